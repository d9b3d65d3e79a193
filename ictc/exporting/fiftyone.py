"""`fiftyone`: a FiftyOneImageClassificationDataset on disk (data/, labels.json). FiftyOne is not needed to write it.

    fiftyone.Dataset.from_dir(TARGET, fiftyone.types.FiftyOneImageClassificationDataset)

Format: https://docs.voxel51.com/user_guide/import_datasets.html#fiftyoneimageclassificationdataset
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from ictc.exporting.imagefolder import flat
from ictc.exporting.plan import NewFile, Place, Subject
from ictc.exporting.rows import Row, writable
from ictc.exporting.safenames import Namer
from ictc.types import Failure

_ATTRIBUTES = {"image": "image_name", "group": "group", "label": "phrase", "description": "description", "by": "by"}


class FiftyOne:
    """Implements `Format`. Images are told apart by their file names without extension."""

    extension = ""
    takes_images = True

    def places(self, subject: Subject) -> list[Place]:
        return flat(subject, "data", Namer(by_stem=True))

    def files(self, subject: Subject, placed: Sequence[Place]) -> Iterator[NewFile | Failure]:
        labels = {place.to.rpartition("/")[2].rpartition(".")[0] or place.to: _label(place.row) for place in placed}
        found = {"classes": [writable(name) for name in subject.clusters], "labels": labels}

        def write(file: BinaryIO) -> None:
            file.write(json.dumps(found, ensure_ascii=False, allow_nan=False).encode() + b"\n")

        yield NewFile("labels.json", write)


def _label(row: Row) -> dict[str, Any] | None:
    if row.cluster is None:
        return None
    sure = {} if row.confidence is None else {"confidence": row.confidence}
    attributes = {new: writable(getattr(row, old)) for old, new in _ATTRIBUTES.items() if getattr(row, old)}
    return {"label": writable(row.cluster), **sure, "attributes": attributes}
