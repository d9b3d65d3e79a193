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
    files = {sha256: str(folder / place(sha256)) for sha256 in sources}
    known = _there(folder)

    def one(sha256: str) -> bool:
        try:
            jpeg = thumbnail_jpeg(sources[sha256], size)
        except ImageFault:
            return False
        file = Path(files[sha256])
        file.parent.mkdir(parents=True, exist_ok=True)
        write_again(file, jpeg)
        return True

    made = {sha256 for sha256, file in files.items() if known.get(file)}
    missing = [sha256 for sha256 in sources if sha256 not in made]
    tick(len(made))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(missing), _WINDOW):
            part = missing[start : start + _WINDOW]
            made.update(sha256 for sha256, there in zip(part, pool.map(one, part), strict=True) if there)
            tick(len(part))
    for file in known.keys() - {files[sha256] for sha256 in made}:
        with suppress(OSError):
            os.unlink(file)
    return made


def _there(folder: Path) -> dict[str, int]:
    """The files in the folders of `folder`, and their bytes."""
    if not folder.is_dir():
        return {}
    with os.scandir(folder) as found:
        inside = [one.path for one in found if one.is_dir(follow_symlinks=False)]
    files: dict[str, int] = {}
    for one in inside:
        with os.scandir(one) as found:
            files |= {file.path: file.stat(follow_symlinks=False).st_size for file in found}
    return files
