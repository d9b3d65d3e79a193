"""All formats, by the name one types."""

from __future__ import annotations

from ictc.exporting.coco import Coco
from ictc.exporting.fiftyone import FiftyOne
from ictc.exporting.folders import Folders
from ictc.exporting.imagefolder import ImageFolder
from ictc.exporting.plan import Format
from ictc.exporting.tables import Table, write_csv, write_jsonl, write_parquet
from ictc.exporting.xmp import Xmp

FORMATS: dict[str, Format] = {
    "folders": Folders(),
    "csv": Table(".csv", write_csv),
    "jsonl": Table(".jsonl", write_jsonl),
    "parquet": Table(".parquet", write_parquet),
    "imagefolder": ImageFolder(),
    "coco": Coco(),
    "fiftyone": FiftyOne(),
    "xmp": Xmp(),
}
