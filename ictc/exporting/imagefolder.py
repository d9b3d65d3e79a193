"""`imagefolder`: what `datasets.load_dataset("imagefolder", data_dir=TARGET)` loads, and `ictc run TARGET` reads.

`datasets` takes columns that end with file_name for images, too: `x_file_name` becomes `x_file_name_text`.
All images lie flat in train/: `datasets` takes folders and file names that say train, test, valid, ... for splits, and
with such names it would leave the other images out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from ictc.exporting.plan import NewFile, Place, Subject
from ictc.exporting.rows import COLUMNS, table_of
from ictc.exporting.safenames import Namer
from ictc.types import Failure

_FOLDER = "train"
_TABLE = "metadata.jsonl"
_PICTURES = ("file_name", "file_names")
_RESERVED = (_TABLE, "metadata.csv", "metadata.parquet")
_COLUMNS = {"image": "image_name"} | {c: c for c in COLUMNS if c not in ("image", "path", "failure")}


class ImageFolder:
    """Implements `Format`. Images that failed are left out: what cannot be decoded ends the loading of all."""

    extension = ""
    takes_images = True

    def places(self, subject: Subject) -> list[Place]:
        return flat(subject, _FOLDER, Namer(_RESERVED))

    def files(self, subject: Subject, placed: Sequence[Place]) -> Iterator[NewFile | Failure]:
        def write(file: BinaryIO) -> None:
            _, cells = table_of([place.row for place in placed], _COLUMNS, ("file_name", "image"), _PICTURES)
            for place, row in zip(placed, cells, strict=True):
                row = {"file_name": place.to.rpartition("/")[2]} | row
                file.write(json.dumps(row, ensure_ascii=False, allow_nan=False).encode() + b"\n")

        yield NewFile(f"{_FOLDER}/{_TABLE}", write)


def flat(subject: Subject, folder: str, namer: Namer) -> list[Place]:
    """All images that could be read, in one folder."""
    rows = (row for row in subject.rows if row.path is not None and row.status != "failed")
    return [Place(row, f"{folder}/{namer.file(row.image.rpartition('/')[2])}") for row in rows]
