"""Finding image files below a folder, or by a pattern, whatever the tree looks like."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from ictc.errors import InputError
from ictc.images.files import ImageFault
from ictc.images.naming import path_as_name

IMAGE_EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff"}
    | {".ppm", ".pgm", ".pbm", ".pnm", ".pfm", ".avif", ".heic", ".heif", ".hif"}
)
METADATA_FILES = frozenset({"metadata.csv", "metadata.jsonl"})
_LITTER = {"Thumbs.db", "desktop.ini", "@eaDir", "__MACOSX", "$RECYCLE.BIN"}
_RESULTS = ({"run.json", "store.sqlite"}, {"training.json", ".lock"})
"""What a run folder holds, and what one that `ictc train` filled."""


@dataclass(slots=True)
class Found:
    """What lies below a folder. `others` counts the files passed over, by extension; `tables` are metadata files."""

    files: list[Path] = field(default_factory=list)
    faults: list[tuple[Path, ImageFault]] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    tables: list[Path] = field(default_factory=list)


def looks_like_image(path: Path) -> bool:
    """Whether the extension is that of an image; what is in it is told when it is decoded."""
    return path.suffix.lower() in IMAGE_EXTENSIONS


def walk(root: Path, wanted: Callable[[Path], bool] = looks_like_image) -> Found:
    """All `wanted` files below `root`, in no order; hidden ones, litter of file managers, folders of results left out.

    Linked files are files. A linked folder is entered once, after all real folders, unless it was met before: no loop
    is endless, no picture is found twice because of a linked folder, and the result depends on the tree alone.

    Raises:
        InputError: the folder itself cannot be listed, or is a run folder.
    """
    found = Found()
    seen: set[tuple[int, int]] = set()
    real, linked = [root], list[Path]()
    while real or linked:
        if not real:
            linked.sort(key=os.fsencode, reverse=True)
            real.append(linked.pop())
        folder = real.pop()
        try:
            info = folder.stat()
            if (info.st_dev, info.st_ino) in seen:
                continue
            seen.add((info.st_dev, info.st_ino))
            with os.scandir(folder) as listing:
                entries = list(listing)
        except OSError as error:
            message = f"The folder cannot be listed: {error.strerror}."
            if folder == root:
                raise InputError(f"{path_as_name(root)}: {message}", "Check its permissions.") from error
            found.faults.append((folder, ImageFault("unreadable", message)))
            continue
        if any({entry.name for entry in entries} >= results for results in _RESULTS):
            if folder == root:
                raise InputError(
                    f"{path_as_name(root)} is a run folder, which holds results.",
                    "Give the folder that holds the images.",
                )
            continue
        _sort_out(entries, wanted, found, real, linked)
    return found


def _sort_out(
    entries: list[os.DirEntry[str]], wanted: Callable[[Path], bool], found: Found, real: list[Path], linked: list[Path]
) -> None:
    for entry in entries:
        path = Path(entry.path)
        if entry.name.startswith(".") or entry.name in _LITTER:
            continue
        if _is_folder(entry):
            (linked if entry.is_symlink() else real).append(path)
        elif wanted(path):
            found.files.append(path)
        elif entry.name in METADATA_FILES:
            found.tables.append(path)
        else:
            found.others[path.suffix.lower()] += 1


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def expand(pattern: Path) -> tuple[Path, Found]:
    """The folder before the first wildcard, and the files that fit; `**` stands for any number of folders.

    Files that do not look like images are passed over, unless the pattern itself spells out their extension. Where
    only folders fit, `others` counts them under "/".
    """
    fixed = next(i for i, part in enumerate(pattern.parts) if glob.has_magic(part))
    base, rest = Path(*pattern.parts[:fixed]).absolute(), pattern.parts[fixed:]
    wanted = _anything if pattern.suffix and not glob.has_magic(pattern.suffix) else looks_like_image
    found = Found()
    if not base.is_dir():
        return base, found
    if "**" in rest:
        found = walk(base, wanted)
        found.files = [file for file in found.files if _fits(file.relative_to(base).parts, rest)]
        return base, found
    for match in glob.iglob(str(Path(*rest)), root_dir=base):  # noqa: PTH207 (Path.glob raises on folders it cannot read)
        file = base / match
        if file.is_dir():
            found.others["/"] += 1
        elif wanted(file):
            found.files.append(file)
        else:
            found.others[file.suffix.lower()] += 1
    return base, found


def _anything(_path: Path) -> bool:
    return True


def _fits(names: Sequence[str], parts: Sequence[str]) -> bool:
    if not parts:
        return not names
    if parts[0] == "**":
        return _fits(names, parts[1:]) or (bool(names) and _fits(names[1:], parts))
    return bool(names) and fnmatchcase(names[0], parts[0]) and _fits(names[1:], parts[1:])
