"""The one layout of a prepared data set, which `ictc run` reads as an imagefolder:

    ROOT/NAME/
      {number}_{class}.ext   the original's names; the class is the first criterion's
      metadata.csv           file_name, a column per criterion, and `original` where the publisher names the images
      prepared.json          what was asked, of what it was made, counts, licence, citation; written last

What is there is never overwritten: a file of ours is the same or is not there, any other stays.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ictc.datasets.recipe import Dataset, Pixels, Sample
from ictc.errors import InputError, RunTooNew, UsageError
from ictc.exporting.safenames import safe
from ictc.files import write_again, write_atomic

FORMAT = 1
_KEYS = {"table": str, "images": int, "gone": int, "counts": dict, "sources": list, "unpacked": bool}
TABLE, DONE, BEGUN = "metadata.csv", "prepared.json", ".preparing.json"
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})


def file_name(dataset: Dataset, sample: Sample) -> str:
    """`{number}_{class}.ext`, spaces and dots of the class included; only what no file system takes is replaced."""
    name = sample.classes.get(dataset.criteria[0].name, "")
    number = sample.written or str(sample.number)
    stem = f"{number}_{name}" if name else number
    return safe(stem, keep=len(sample.suffix)) + sample.suffix


def encoded(image: bytes | Pixels) -> bytes:
    """An encoded file as it is; pixels as PNG, the same bytes with the same Pillow and zlib."""
    if isinstance(image, bytes):
        return image
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def put(path: Path, image: bytes | Pixels) -> None:
    """`image` at `path`, unless it is there: the same file, or for pixels one that shows them (another version of
    Pillow packs them otherwise).

    Raises:
        UsageError: something else is there.
        StorageFull: the disk is full.
    """
    data = encoded(image)
    if os.path.lexists(path):
        if not isinstance(image, bytes) and _shows(path, image):
            return
        if path.is_file() and path.stat().st_size in (0, len(data)):  # an empty one: the power failed, nothing is lost
            there = path.read_bytes()
            if there == data:
                return
            if not there and not path.is_symlink():
                write_again(path, data)
                return
        raise UsageError(
            f"{path} is there and is not what would be written; it stays as it is.",
            "Move it away, or choose another folder: --root DIR",
        )
    write_again(path, data)


def _shows(path: Path, pixels: Pixels) -> bool:
    from PIL import Image

    if path.is_symlink() or not path.is_file():
        return False
    try:
        with Image.open(path, formats=["PNG"]) as there:
            return there.size == pixels.shape[1::-1] and np.array_equal(np.asarray(there), pixels)
    except (OSError, ValueError, SyntaxError):  # what Pillow raises at a file that is no whole PNG
        return False


def table(dataset: Dataset, rows: Sequence[tuple[str, Sample]]) -> bytes:
    """metadata.csv, in the order of `rows`: criteria that no image has a class of have no column."""
    columns = [c.name for c in dataset.criteria if any(s.classes.get(c.name) for _, s in rows)]
    names = any(s.original for _, s in rows)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file_name", *columns, *["original"] * names])
    for file, sample in rows:
        writer.writerow([file, *(sample.classes.get(c, "") for c in columns), *[sample.original] * names])
    return text.getvalue().encode("utf-8", "backslashreplace")


def counts(dataset: Dataset, rows: Sequence[tuple[str, Sample]]) -> dict[str, dict[str, int]]:
    """Images of each class, by criterion; as the table."""
    found = {c.name: Counter(s.classes.get(c.name, "") for _, s in rows) for c in dataset.criteria}
    return {
        name: {n: classes[n] for n in sorted(classes) if n} for name, classes in found.items() if set(classes) - {""}
    }


def read_state(folder: Path, file: str = DONE) -> dict[str, Any] | None:
    """What prepared.json (or the mark of one begun) says; None where it is not there.

    Raises:
        RunTooNew: a later version of ictc wrote it.
        InputError: it is none of ours.
    """
    try:
        state = json.loads((folder / file).read_text("utf-8"))
        version = int(state["format"])
        state["request"]["dataset"]
        known = _KEYS if file == DONE and version <= FORMAT else {}
        if lacking := [key for key, kind in known.items() if not isinstance(state.get(key), kind)]:
            raise KeyError(lacking[0])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder / file} is not what ictc writes ({type(error).__name__}: {error}).",
            "Move the folder away, or choose another: --root DIR",
        ) from error
    if version > FORMAT:
        raise RunTooNew(f"{folder} was prepared by a newer version of ictc.", "Update ictc, or choose another --root.")
    result: dict[str, Any] = state
    return result


def put_table(folder: Path, asked: Mapping[str, Any], table: bytes) -> bool:
    """metadata.csv, in the place of one that was written before with fewer images; False where a person changed that
    one, which stays.

    Raises:
        UsageError: it is there though nobody has written it yet.
    """
    path, done = folder / TABLE, read_state(folder)
    ours = {*tables_begun(folder), *([done["table"]] if done else [])}
    found, new = digest_of(path), hashlib.sha256(table).hexdigest()
    if found == new:
        return True
    if found and found not in ours and done:
        return False
    write_state(folder, {"request": asked, "tables": sorted({*ours, new})}, BEGUN)  # killed here, it is known as ours
    if found in ours:
        path.unlink()
    put(path, table)
    return True


def tables_begun(folder: Path) -> tuple[str, ...]:
    """The digests of the tables that a command that did not end may have written."""
    begun = read_state(folder, BEGUN)
    return tuple(begun.get("tables", ())) if begun else ()


def digest_of(path: Path) -> str:
    """SHA-256; "" where there is no such file."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def write_state(folder: Path, state: Mapping[str, Any], file: str = DONE) -> None:
    write_atomic(folder / file, json.dumps({"format": FORMAT, **state}, ensure_ascii=False, indent=1) + "\n")


def listed(folder: Path) -> list[str]:
    """The images that metadata.csv names; none where it is not there or cannot be read."""
    try:
        with (folder / TABLE).open(encoding="utf-8", newline="") as file:
            return [row["file_name"] for row in csv.DictReader(file) if row.get("file_name")]
    except (OSError, UnicodeDecodeError, KeyError, csv.Error):
        return []
