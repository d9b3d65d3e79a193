"""Where the pieces of data go: into the page, or as scripts into a folder beside it.

A page that was opened from a disk may not read files (`fetch` of file:// is refused everywhere), but it may run
scripts, so a piece in the folder is a script of one call: `ictcData(name, value)`. A piece is named by its content:
the same data is kept once, and what a page shares with the one before it is not written again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from ictc.files import write_atomic
from ictc.report.page import as_json


class Pieces(Protocol):
    """Takes the data of a page, piece by piece."""

    def put(self, kind: str, value: Any) -> str:
        """Keeps a JSON value; its name."""

    def keep(self, names: Iterable[str]) -> None:
        """These, of the page before, are in this one too."""


class Within:
    """Pieces that go into the page. `before`: those of the page before."""

    def __init__(self, before: Mapping[str, str] | None = None) -> None:
        self.data: dict[str, str] = {}
        self._before = before or {}

    def put(self, kind: str, value: Any) -> str:
        text = as_json(value)
        name = _name(kind, text)
        self.data[name] = text
        return name

    def keep(self, names: Iterable[str]) -> None:
        self.data |= {name: self._before[name] for name in names}


class Beside:
    """Pieces in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._used: set[str] = set()
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, kind: str, value: Any) -> str:
        text = as_json(value)
        name = _name(kind, text)
        file, script = self._file(name), f'ictcData("{name}",{text})\n'
        if not _holds(file, script.encode()):
            write_atomic(file, script)
        self._used.add(name)
        return name

    def keep(self, names: Iterable[str]) -> None:
        self._used.update(names)

    def drop_others(self) -> None:
        """Removes the pieces of pages that are no more."""
        kept = {self._file(name) for name in self._used}
        for file in self._folder.iterdir():
            if file not in kept:
                with suppress(OSError):
                    file.unlink()

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.js"


def _name(kind: str, text: str) -> str:
    return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _holds(file: Path, content: bytes) -> bool:
    try:
        return file.stat().st_size == len(content) and file.read_bytes() == content
    except OSError:
        return False
