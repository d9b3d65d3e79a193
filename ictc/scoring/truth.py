"""Where the true class of each image comes from: file names, folders, a table, or an image folder's own metadata."""

from __future__ import annotations

import csv
import io
import posixpath
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ictc.errors import InputError
from ictc.jsonl import numbered_jsonl, read_text
from ictc.names import NameIndex, without_extension

_IMAGE_COLUMNS = ("image", "file_name", "filename", "file", "path", "image_file")
_NUMBERED = re.compile(r"\d+_(?P<class>.+)", re.DOTALL)
_SHOWN = 3
_FORMS = "--truth filename | folder | FILE[:COLUMN]"


@dataclass(frozen=True, slots=True)
class Truth:
    """`classes` maps images of the run to their class; `missing` are images without one.

    `unknown` are rows of the table that name no image of the run, or more than one.
    """

    classes: Mapping[str, str]
    missing: Sequence[str] = ()
    unknown: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Table:
    columns: Sequence[str]
    rows: Sequence[tuple[str, Mapping[str, Any]]]  # (where it stands, row)


def read_truth(spec: str, names: Sequence[str], metadata: Mapping[str, Mapping[str, str]] | None = None) -> Truth:
    """The classes of the images `names` according to `spec`.

    filename        `{number}_{class}.{ext}`: everything after the first underscore
    folder          the folder an image lies in
    FILE[:COLUMN]   a CSV, TSV or JSONL table (plain or gzip) with a column of image names
    COLUMN          a column of `metadata` (image name -> row), the imagefolder's own

    Empty cells are no truth. Table names are matched as `NameIndex` says.

    Raises:
        InputError: the spec, file or column cannot be used, rows contradict each other, or no image has a class.
    """
    if spec == "filename":
        return _of_names(names, _class_in_filename, spec, "none is like 12_cat.png")
    if spec == "folder":
        return _of_names(names, _class_in_folder, spec, "none lies in a folder inside the input")
    found = _split(spec)
    if found:
        return _from_table(*found, names)
    columns = sorted({column for row in (metadata or {}).values() for column in row})
    if metadata and spec in columns:
        return _matched({i: (row.get(spec), "metadata") for i, row in metadata.items()}, names, "the metadata", spec)
    raise InputError(
        f"--truth {spec}: no such file"
        + (f", nor such a column of the metadata{_listed(columns)}." if columns else "."),
        f"Give one of: {_FORMS}",
    )


def _class_in_filename(name: str) -> str | None:
    match = _NUMBERED.fullmatch(without_extension(posixpath.basename(name)))
    return match["class"] if match else None


def _class_in_folder(name: str) -> str | None:
    return posixpath.basename(posixpath.dirname(name)) or None


def _of_names(names: Sequence[str], class_of: Callable[[str], str | None], spec: str, why: str) -> Truth:
    classes = {name: class_ for name in names if (class_ := class_of(name)) is not None}
    if not classes:
        raise InputError(
            f"--truth {spec}: no image name shows a class, {why}: {_examples(names)}.", f"Give one of: {_FORMS}"
        )
    return Truth(classes, [name for name in names if name not in classes])


def _split(spec: str) -> tuple[Path, str | None] | None:
    """File and column of `FILE[:COLUMN]`: the longest part before a colon that is a file (`C:\\a.csv:type`)."""
    if Path(spec).is_file():
        return Path(spec), None
    for colon in reversed([i for i, char in enumerate(spec) if char == ":"]):
        if Path(spec[:colon]).is_file():
            return Path(spec[:colon]), spec[colon + 1 :]
    return None


def _from_table(path: Path, column: str | None, names: Sequence[str]) -> Truth:
    table = _read_table(path)
    images = _image_column(table.columns, path)
    column = _class_column(table.columns, images, column, path)
    rows: dict[str, tuple[Any, str]] = {}
    for where, row in table.rows:
        image, value = row.get(images), row.get(column)
        if image in (None, ""):
            raise InputError(f"{path}, {where}: no image name in column {images!r}.", "Fill it in or remove the line.")
        image = str(image)
        if image in rows and _class(rows[image][0], where, path) != _class(value, where, path):
            raise InputError(
                f"{path}: {image!r} is {rows[image][0]!r} on {rows[image][1]} and {value!r} on {where}.",
                "Keep one of the two lines.",
            )
        rows[image] = (value, where)
    return _matched(rows, names, path, column)


def _matched(rows: Mapping[str, tuple[Any, str]], names: Sequence[str], source: Path | str, column: str) -> Truth:
    """Rows onto images: rows that name an image exactly first, so that a looser match never takes their place."""
    index = NameIndex(names)
    exact = set(names)
    classes: dict[str, str] = {}
    named: set[str] = set()
    unknown: list[str] = []
    for image in sorted(rows, key=lambda row: row not in exact):
        target = index.find(image)
        if target is None or target in named:
            unknown.append(image)
            continue
        named.add(target)
        value, where = rows[image]
        class_ = _class(value, where, source)
        if class_ is not None:
            classes[target] = class_
    if not named:
        raise InputError(
            f"{source} names none of the run's images: it has {_examples(rows)}, the run has {_examples(names)}.",
            f"Name the images alike, or give one of: {_FORMS}",
        )
    if not classes:
        raise InputError(f"{source}: column {column!r} is empty for every image of the run.", "Give another column.")
    return Truth(classes, [name for name in names if name not in classes], unknown)


def _class(value: Any, where: str, source: Path | str) -> str | None:
    """The class a cell holds as text, None when it is empty."""
    if isinstance(value, list | dict):
        raise InputError(f"{source}, {where}: a class is one word or number, not {value!r}.", "Give another column.")
    text = "" if value is None else str(value).strip()
    return text or None


def _read_table(path: Path) -> _Table:
    suffixes = [s.lower() for s in path.suffixes]
    if any(s in suffixes for s in (".jsonl", ".ndjson")):
        numbered = [(f"line {line}", row) for line, row in numbered_jsonl(path)]
        table = _Table(list(dict.fromkeys(key for _, row in numbered for key in row)), numbered)
    else:
        table = _read_csv(path)
    if not table.rows:
        raise InputError(f"{path} has no rows.", "It needs a column of image names and a column of classes.")
    return table


def _read_csv(path: Path) -> _Table:
    text = read_text(path)
    head = text.split("\n", 1)[0]
    delimiter = max(",\t;", key=head.count)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        rows = []
        for row in reader:
            where = f"line {reader.line_num}"
            if None in row:
                raise InputError(
                    f"{path}, {where}: more cells than columns.", "Put quotes around a value that holds a separator."
                )
            rows.append((where, row))
    except csv.Error as e:
        raise InputError(f"{path}: not a readable table: {e}.", "Give a CSV, TSV or JSONL file.") from e
    return _Table([c for c in reader.fieldnames or [] if c], rows)


def _image_column(columns: Sequence[str], path: Path) -> str:
    lowered = {c.strip().lower(): c for c in reversed(columns)}
    for wanted in _IMAGE_COLUMNS:
        if wanted in lowered:
            return lowered[wanted]
    raise InputError(
        f"{path} has no column of image names{_listed(columns)}.", f"Name it one of: {', '.join(_IMAGE_COLUMNS)}"
    )


def _class_column(columns: Sequence[str], images: str, wanted: str | None, path: Path) -> str:
    others = [c for c in columns if c != images]
    if not others:
        raise InputError(f"{path} has only the column {images!r}.", "Add a column with the class of each image.")
    if wanted:
        alike = [c for c in others if c == wanted] or [c for c in others if c.lower() == wanted.strip().lower()]
        if alike:
            return alike[0]
        raise InputError(f"{path} has no column {wanted!r}{_listed(others)}.", f"Type: --truth '{path}:{others[0]}'")
    if len(others) > 1:
        raise InputError(f"{path} has several columns{_listed(others)}.", f"Say which: --truth '{path}:{others[0]}'")
    return others[0]


def _listed(columns: Iterable[str]) -> str:
    return f" ({', '.join(columns)})"


def _examples(names: Iterable[str]) -> str:
    first = list(names)
    return ", ".join(repr(n) for n in first[:_SHOWN]) + (", ..." if len(first) > _SHOWN else "")
