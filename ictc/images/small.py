"""Thumbnails as files: one for each content, so that a second report makes none again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from ictc.files import write_again
from ictc.images.files import ImageFault
from ictc.images.thumbnails import thumbnail_jpeg
from ictc.interfaces import Tick, no_tick
from ictc.types import Item

_WINDOW = 512


def thumbnail_files(
    items: Iterable[Item], folder: Path, place: Callable[[str], Path], size: int, tick: Tick = no_tick
) -> set[str]:
    """Write what is missing to `folder / place(sha256)`; the contents that have a thumbnail now.

    Only a few hundred are in work at once, so memory does not grow with their number. Thumbnails of images that are
    no more are removed.
    """
    sources = {item.sha256: item.path for item in items if item.path and item.sha256}

    def one(sha256: str) -> bool:
        file = folder / place(sha256)
        if not (file.exists() and file.stat().st_size):
            try:
                jpeg = thumbnail_jpeg(sources[sha256], size)
            except ImageFault:
                return False
            file.parent.mkdir(parents=True, exist_ok=True)
            write_again(file, jpeg)
        return True

    made: set[str] = set()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        contents = list(sources)
        for start in range(0, len(contents), _WINDOW):
            part = contents[start : start + _WINDOW]
            made.update(sha256 for sha256, there in zip(part, pool.map(one, part), strict=True) if there)
            tick(len(part))
    _drop_others(folder, {folder / place(sha256) for sha256 in made})
    return made


def _drop_others(folder: Path, kept: set[Path]) -> None:
    for file in folder.glob("*/*"):
        if file not in kept:
            with suppress(OSError):
                file.unlink()
