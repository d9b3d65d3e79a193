"""Where the pieces of data go: into the page, or as scripts into a folder beside it.

A page that was opened from a disk may not read files (`fetch` of file:// is refused everywhere), but it may run
scripts, so a piece in the folder is a script of one call: `ictcData(name, value)`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from ictc.files import write_atomic
from ictc.report.data import Chunk
from ictc.report.page import as_json


class Pieces(Protocol):
    """Takes the data of a page, piece by piece."""

    def put(self, chunks: Iterable[Chunk]) -> int:
        """Keeps them, and says how many there were."""


class Within:
    """Pieces that go into the page."""

    def __init__(self) -> None:
        self.data: dict[str, str] = {}

    def put(self, chunks: Iterable[Chunk]) -> int:
        before = len(self.data)
        self.data |= {name: as_json(value) for name, value in chunks}
        return len(self.data) - before


class Beside:
    """Pieces in a folder of their own within `folder`, so that an older page goes on with its own."""

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder
        self.name = f"data-{key[:16]}"
        (folder / self.name).mkdir(parents=True, exist_ok=True)

    def put(self, chunks: Iterable[Chunk]) -> int:
        count = 0
        for name, value in chunks:
            write_atomic(self._folder / self.name / f"{name}.js", f'ictcData("{name}",{as_json(value)})\n')
            count += 1
        return count

    def drop_others(self) -> None:
        """Removes the pieces of pages that are no more."""
        for other in self._folder.glob("data-*"):
            if other.name != self.name:
                with suppress(OSError):
                    shutil.rmtree(other)
