"""The files that the rows of lists and metadata tables name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ictc.images.files import ImageFault
from ictc.images.listfiles import Row
from ictc.images.naming import can_be_named, path_as_name

URL = re.compile(r"^((https?|ftp|s3|gs|hf|file)://|data:)", re.IGNORECASE)
URL_HINT = "Download it first, and give the file: ictc sends bytes to models, never URLs."


class Listed:
    """`rows`: absolute path to the other columns; a file named twice counts once, as named first.

    `faults`: what names no file, by the name it has in the results. Paths are relative to the list that holds them.
    """

    def __init__(self, rows: Iterable[tuple[Path, Row]]) -> None:
        self.rows: dict[Path, Mapping[str, str]] = {}
        self.faults: dict[str, ImageFault] = {}
        for table, row in rows:
            if not row.file:
                self.faults[f"{path_as_name(table.name)}, line {row.line}"] = _missing("This line names no file.")
            elif URL.match(row.file):
                self.faults[path_as_name(row.file)] = ImageFault("url", f"This is a URL. {URL_HINT}")
            elif not can_be_named(row.file):
                self.faults[ascii(row.file)] = _missing("No file can have this name.")
            else:
                self.rows.setdefault(Path(os.path.normpath(table.parent / row.file)), row.values)

    def __bool__(self) -> bool:
        return bool(self.rows or self.faults)


def _missing(message: str) -> ImageFault:
    return ImageFault("missing-file", message)
