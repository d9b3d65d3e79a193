"""A store for a job that has no run and makes a file: it lies beside that file until the file is whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ictc.errors import UsageError
from ictc.store import Store

_PARTS = ("", "-wal", "-shm")


@contextmanager
def store_beside(file: Path | None) -> Iterator[Store]:
    """`.FILE.sqlite` in FILE's folder, which the same command finds again after it was stopped; removed when the block
    ends well, and when what was given could not be used at all. Without a file, in memory."""
    if file is None:
        with Store(None) as store:
            yield store
        return
    path = file.with_name(f".{file.name}.sqlite")
    begun = path.exists()
    try:
        with Store(path) as store:
            yield store
    except UsageError:
        if not begun:
            _remove(path)
        raise
    _remove(path)


def _remove(path: Path) -> None:
    for part in _PARTS:
        path.with_name(path.name + part).unlink(missing_ok=True)
