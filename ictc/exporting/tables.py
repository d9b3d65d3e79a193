"""`csv`, `jsonl` and `parquet`: one row an image, in one file.

A spreadsheet runs what begins with =, +, - or @ (OWASP, "CSV Injection"; also full-width, after spaces, a tab or a line
break). In CSV, text that begins so, or with an apostrophe, is led by one apostrophe; take one away and it is as it was.
JSONL and Parquet hold everything as it is.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, BinaryIO

from ictc.errors import MissingExtra
from ictc.exporting.plan import NewFile, Place, Subject
from ictc.exporting.rows import Row, table_of
from ictc.types import Failure

_RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n", "'")
_AT_ONCE = 10_000  # rows of Parquet


@dataclass(frozen=True, slots=True)
class Table:
    """Implements `Format`: `write` writes the rows as a file with this `extension`."""

    extension: str
    write: Callable[[Sequence[Row], BinaryIO], None]
    takes_images: bool = False

    def places(self, subject: Subject) -> list[Place]:
        return []

    def files(self, subject: Subject, placed: Sequence[Place]) -> Iterator[NewFile | Failure]:
        yield NewFile("", lambda file: self.write(subject.rows, file))


def write_csv(rows: Sequence[Row], file: BinaryIO) -> None:
    columns, cells = table_of(rows)
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([cell(column) for column in columns])
    writer.writerows([cell(row[column]) for column in columns] for row in cells)
    text.flush()
    text.detach()


def cell(value: Any) -> Any:
    """A value for a CSV: text that a spreadsheet would run, or that begins with an apostrophe, is led by one."""
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(_RUN_BY_SPREADSHEETS) else value


def write_jsonl(rows: Sequence[Row], file: BinaryIO) -> None:
    _, cells = table_of(rows)
    for row in cells:
        file.write(json.dumps(row, ensure_ascii=False, allow_nan=False).encode() + b"\n")


def write_parquet(rows: Sequence[Row], file: BinaryIO) -> None:
    """`confidence` is a double, everything else text.

    Raises:
        MissingExtra: there is no pyarrow.
    """
    if find_spec("pyarrow") is None:
        raise MissingExtra("Parquet", "parquet")
    import pyarrow as pa
    from pyarrow import parquet

    columns, cells = table_of(rows)
    schema = pa.schema([(c, pa.float64() if c == "confidence" else pa.string()) for c in columns])
    with parquet.ParquetWriter(pa.PythonFile(file, mode="w"), schema) as writer:
        some: list[dict[str, Any]] = []
        for row in cells:
            some.append(row)
            if len(some) == _AT_ONCE:
                writer.write_table(pa.Table.from_pylist(some, schema))
                some = []
        writer.write_table(pa.Table.from_pylist(some, schema))
