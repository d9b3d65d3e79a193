"""`coco`: the layout of a COCO detection data set (data/ and labels.json), which most tools read.

COCO has no labels of whole images. The common way round: a category a cluster, and per image one annotation whose box
is the whole image. `supercategory` is the group. Pixels count as they are stored, before an EXIF
orientation is applied. Images in no cluster have no annotation. Format: https://cocodataset.org/#format-data
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from ictc.exporting.imagefolder import flat
from ictc.exporting.plan import NewFile, Place, Subject, source_of
from ictc.exporting.rows import writable
from ictc.exporting.safenames import Namer
from ictc.images.decode import stored_size
from ictc.images.files import ImageFault
from ictc.types import Failure


class Coco:
    """Implements `Format`."""

    extension = ""
    takes_images = True

    def places(self, subject: Subject) -> list[Place]:
        return flat(subject, "data", Namer())

    def files(self, subject: Subject, placed: Sequence[Place]) -> Iterator[NewFile | Failure]:
        categories = {name: number for number, name in enumerate(subject.clusters, 1)}
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for number, place in enumerate(placed, 1):
            row = place.row
            try:
                width, height = stored_size(source_of(place))
            except (ImageFault, OSError) as fault:
                yield Failure(row.image, "image", getattr(fault, "code", "unreadable"), str(fault))
                continue
            name = place.to.rpartition("/")[2]
            about = {"image_name": writable(row.image), "sha256": row.sha256, "description": writable(row.description)}
            images.append({"id": number, "file_name": name, "width": width, "height": height, "ictc": about})
            if row.cluster is not None:
                box = {"bbox": [0, 0, width, height], "area": width * height, "iscrowd": 0}
                sure = {} if row.confidence is None else {"score": row.confidence}
                outline = [[0, 0, width, 0, width, height, 0, height]]
                one = {"id": len(annotations) + 1, "image_id": number, "category_id": categories[row.cluster]}
                annotations.append({**one, **box, "segmentation": outline, **sure})
        found = {
            "info": {"description": writable(f"ictc: {subject.criterion}"), "version": "1.0"},
            "licenses": [],
            "categories": [
                {"id": number, "name": writable(name), "supercategory": writable(subject.clusters[name])}
                for name, number in categories.items()
            ],
            "images": images,
            "annotations": annotations,
        }

        def write(file: BinaryIO) -> None:
            file.write(json.dumps(found, ensure_ascii=False, allow_nan=False).encode() + b"\n")

        yield NewFile("labels.json", write)
