"""Archives as publishers pack them, tiny, for tests of data sets; and what was made of them."""

from __future__ import annotations

import csv
import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from PIL import Image

from ictc.datasets.preparing import prepare
from ictc.datasets.recipe import Dataset, Options


def jpeg(number: int) -> bytes:
    """Another picture for every number below 4,096."""
    file = io.BytesIO()
    colour = (number % 16 * 16, number // 16 % 16 * 16, number // 256 * 16)
    Image.new("RGB", (8, 8), colour).save(file, "JPEG")
    return file.getvalue()


def pictures(names: Iterable[str]) -> dict[str, bytes]:
    return {name: jpeg(number) for number, name in enumerate(names)}


def zipped(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def tarred(path: Path, files: Mapping[str, bytes]) -> Path:
    """Packed with gzip where the name says so."""
    with tarfile.open(path, "w:gz" if path.suffix in (".gz", ".tgz") else "w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def unpacked(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def prepared(dataset: Dataset, root: Path, *given: Path, split: str = "", **options: object) -> list[dict[str, str]]:
    """metadata.csv after `ictc data prepare --from GIVEN --no-verify`; every image it names is there, and no other."""
    asked = Options(split or next(iter(dataset.splits)), **options)  # type: ignore[arg-type]
    made = prepare(dataset, asked, root, given, verify=False)
    with (made.folder / "metadata.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    there = {p.name for p in made.folder.iterdir()} - {"metadata.csv", "prepared.json"}
    assert {row["file_name"] for row in rows} == there and len(rows) == len(there) == made.images
    return rows
