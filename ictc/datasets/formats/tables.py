"""CSV tables and lists of one name a line, as archives hold them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from ictc.datasets.recipe import Place
from ictc.errors import InputError

_MOST = 1 << 26
"""Bytes of a list. The longest of ours, Food-101's, has two million."""


def lines(place: Place, name: str) -> list[tuple[int, str]]:
    """The lines that are not empty, each with its number (from 1), without blanks around."""
    try:
        text = place.read(name, _MOST).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is no text: byte {error.start} is no UTF-8.", "Get the file again.") from error
    found = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not found:
        raise InputError(f"{name} is empty.", "It was cut off: get the file again.")
    return found


def rows(place: Place, name: str, columns: Sequence[str], *, headless: bool = False) -> Iterator[tuple[str, ...]]:
    """The values of `columns` line by line, never the whole table at once (Open Images has tables of gigabytes).

    `headless`: a table without a header has these columns, in this order.
    """
    with io.TextIOWrapper(place.open(name), encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text, strict=True)
        try:
            header = next(reader, [])
            missing = [column for column in columns if column not in header]
            if not missing:
                at = [header.index(column) for column in columns]
            elif headless and len(header) == len(columns):
                at = list(range(len(columns)))
                yield tuple(header)
            else:
                raise InputError(
                    f"{name} has no column '{missing[0]}'; its first line is {','.join(header)[:80]!r}.",
                    f"It must be a CSV table with the columns {', '.join(columns)}: get the file again.",
                )
            for row in reader:
                if not row:
                    continue
                if len(row) <= max(at):
                    raise InputError(
                        f"{name}, line {reader.line_num}: {len(row)} values, not {len(header)}.",
                        "It was cut off: get the file again.",
                    )
                yield tuple(row[i] for i in at)
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(f"{name}, line {reader.line_num}: {error}.", "Get the file again.") from error
