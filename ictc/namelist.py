"""The names that a person gives beforehand (`--names FILE`): one a line, or JSON."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ictc.errors import InputError, UsageError
from ictc.jsonl import read_text
from ictc.replies.reading import bare, one_line, unprintable
from ictc.result import UNASSIGNED
from ictc.types import Cluster

_FORMS = 'One name a line, or a JSON list of names or of objects like {"name": "calm", "about": "nothing stirs"}.'


@dataclass(frozen=True, slots=True)
class Names:
    """Distinct names in a person's order. `open` lets further names be added to them."""

    clusters: tuple[Cluster, ...]
    open: bool = False

    @property
    def names(self) -> list[str]:
        return [c.name for c in self.clusters]

    def check_k(self, k: int | None) -> None:
        """Raises UsageError for a K that these names cannot have."""
        n = len(self.clusters)
        if k is None or k == n or (self.open and k > n):
            return
        if self.open:
            raise UsageError(f"K is {k}, but {n} names are given.", f"Ask for -k {n} or more, or -k auto.")
        more = ", or add --open to let further names be found" if k > n else ""
        raise UsageError(f"K is {k}, but exactly {n} names are given.", f"Leave -k away{more}.")


def read_names(path: Path, open_list: bool = False) -> Names:
    """The names in a file.

    Raises:
        InputError: unreadable, empty, a name that is none, or the same name (case, quotes and final full stop apart)
            twice; the place is named.
    """
    text = read_text(path)
    entries = _json(path, text) if text.lstrip().startswith(("[", "{")) else _lines(text)
    clusters: list[Cluster] = []
    first: dict[str, str] = {}
    for where, name, about in entries:
        name = one_line(name)
        key = bare(unicodedata.normalize("NFC", name)).casefold()  # what replies are compared by
        if not key or unprintable(name):
            raise InputError(f"{path}, {where}: {name!r} is no name.", _FORMS)
        if key == UNASSIGNED:
            raise InputError(
                f"{path}, {where}: {name!r} is what images in no cluster are called.", "Give it another name."
            )
        if key in first:
            raise InputError(f"{path}, {where}: the name {name!r} is on {first[key]} already.", "Keep one of the two.")
        first[key] = where
        clusters.append(Cluster(name, one_line(about)))
    if not clusters:
        raise InputError(f"{path} holds no names.", _FORMS)
    return Names(tuple(clusters), open_list)


def _lines(text: str) -> Iterable[tuple[str, str, str]]:
    return ((f"line {n}", line, "") for n, line in enumerate(text.splitlines(), 1) if line.strip())


def _json(path: Path, text: str) -> Iterable[tuple[str, str, str]]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as e:
        at = f", line {e.lineno}" if isinstance(e, json.JSONDecodeError) else ""
        raise InputError(f"{path}{at}: this is no JSON: {e}.", _FORMS) from e
    if not isinstance(rows, list):
        raise InputError(f"{path} holds JSON that is no list.", _FORMS)
    return [(f"entry {n}", *_entry(row, f"{path}, entry {n}")) for n, row in enumerate(rows, 1)]


def _entry(row: Any, where: str) -> tuple[str, str]:
    if isinstance(row, str):
        return row, ""
    if isinstance(row, dict) and isinstance(row.get("name"), str) and isinstance(row.get("about", ""), str):
        return row["name"], row.get("about", "")
    raise InputError(f"{where}: {json.dumps(row, ensure_ascii=False)[:80]} is no name.", _FORMS)
