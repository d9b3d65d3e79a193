"""Files that name images: a list, one path a line, or a table with a column of paths (as in an imagefolder)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ictc.errors import InputError
from ictc.images.naming import path_as_name
from ictc.jsonl import numbered_jsonl, read_text, unreadable

FILE_COLUMNS = ("file_name", "image", "file", "path", "filename", "image_path", "file_path", "image_file")
"""Columns that hold the path, first match first; `file_name` is that of Hugging Face's imagefolder."""

LIST_EXTENSIONS = frozenset({".txt", ".csv", ".tsv", ".jsonl", ".ndjson"})
NOT_READ_HERE = {
    ".parquet": "Write it as CSV first: pandas.read_parquet(FILE).to_csv('list.csv', index=False)",
    ".xlsx": "Save the sheet as CSV.",
    ".json": 'Write it as JSONL, one object a line, such as {"image": "1.jpg"}.',
    ".zip": "Unpack it, and give the folder.",
    ".tar": "Unpack it, and give the folder.",
    ".gz": "Unpack it first. Descriptions recorded earlier are given as recorded:FILE, packed or not.",
    ".pdf": "Give images: pdftoppm -jpeg FILE page",
}


class NoFileColumn(InputError):
    """A table that says nothing about files."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list. `file` is as written there ("" where none is named), `values` are the other columns."""

    line: int
    file: str
    values: Mapping[str, str] = field(default_factory=dict)


def read_list(path: Path) -> list[Row]:
    """The rows of a list file, told by its extension.

    Raises:
        NoFileColumn: a table without a column that could hold paths.
        InputError: the file cannot be read or parsed.
    """
    kind = path.suffix.lower()
    if kind == ".txt":
        return list(_lines(path))
    rows = list(_json_rows(path) if kind in (".jsonl", ".ndjson") else _csv_rows(path, kind))
    columns = list(dict.fromkeys(column for _, row in rows for column in row))
    column = file_column(columns)
    if rows and column is None:
        raise NoFileColumn(
            f"{path_as_name(path)} has no column that names files; it has: {', '.join(map(path_as_name, columns))}.",
            f"Call the column with the paths `file_name` or `image` (also understood: {', '.join(FILE_COLUMNS[2:])}).",
        )
    return [
        Row(line, row.get(column, "").strip() or row.get(column, ""), {k: v for k, v in row.items() if k != column})
        for line, row in rows
        if column is not None
    ]


def file_column(columns: Sequence[str]) -> str | None:
    """Which of the columns holds the paths."""
    known = {column.strip().lower(): column for column in reversed(columns)}
    return next((known[name] for name in FILE_COLUMNS if name in known), None)


def _lines(path: Path) -> Iterator[Row]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    if b"\0" in data:
        raise InputError(f"{path_as_name(path)} is not a list of paths, one a line.", "Save it as plain text in UTF-8.")
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    for number, line in enumerate(text.split("\n"), 1):
        if name := line.strip():
            yield Row(number, name)


def _csv_rows(path: Path, kind: str) -> Iterator[tuple[int, dict[str, str]]]:
    text = read_text(path)
    header = text.partition("\n")[0]
    delimiter = "\t" if kind == ".tsv" else max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            yield reader.line_num, {k: v for k, v in row.items() if k is not None and isinstance(v, str)}
    except csv.Error as error:
        raise InputError(
            f"{path_as_name(path)}, line {reader.line_num}: {error}.", "Check the quotation marks on that line."
        ) from error


def _json_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    for number, row in numbered_jsonl(path):
        yield number, {key: _text(value) for key, value in row.items() if value is not None}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
