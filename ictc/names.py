"""Finding the image that a name in another file means.

Descriptions, truth tables and the original's results name images in their own way: with or without folders, `0_cat.png`
for what is here `0_cat.jpg`. Two names mean the same image when one is the end of the other, first as they are, then
without extensions, and when no second image fits as well: a guess between two is no match.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Iterable, Iterator

_EXTENSION = re.compile(r"(?<=[^/])\.[A-Za-z][A-Za-z0-9]{1,4}$")


def without_extension(name: str) -> str:
    """`a/0_cat.png` -> `a/0_cat`; what follows a dot is an extension only when it looks like one (`v1.5` stays)."""
    return _EXTENSION.sub("", name)


def relative_to_common_folder(paths: Iterable[str]) -> dict[str, str]:
    """Each path without the folder that all of them lie in: what a name within one data set is.

    `/data/cifar10/0_cat.png`, `/data/cifar10/1_dog.png` -> `0_cat.png`, `1_dog.png`. Backslashes count as slashes.
    """
    clean = {p: p.replace("\\", "/") for p in paths}
    folders = [posixpath.dirname(c).split("/") for c in clean.values()]
    shared = 0
    for parts in zip(*folders, strict=False):
        if len(set(parts)) > 1:
            break
        shared += 1
    return {p: "/".join(c.split("/")[shared if "/" in c else 0 :]) for p, c in clean.items()}


class NameIndex:
    """Which of `names` another name means, in constant time whatever the number of names."""

    def __init__(self, names: Iterable[str]) -> None:
        self._exact: dict[str, str] = {}
        self._ends: list[dict[str, str | None]] = [{}, {}]  # by end: as it is, without extension; None: several fit
        self._whole: list[dict[str, str | None]] = [{}, {}]
        for name in names:
            self._exact[name] = name
            full = _canonical(name)
            for tier, key in enumerate((full, without_extension(full))):
                _add(self._whole[tier], key, name)
                for end in _ends(key):
                    _add(self._ends[tier], end, name)

    def find(self, name: str) -> str | None:
        """The one of the names that `name` means; None when none does, or more than one could."""
        if name in self._exact:
            return name
        full = _canonical(name)
        for tier, key in enumerate((full, without_extension(full))):
            if key in self._ends[tier]:
                return self._whole[tier].get(key) or self._ends[tier][key]
            for end in _ends(key):
                if end in self._whole[tier]:
                    return self._whole[tier][end]
        return None


def _canonical(name: str) -> str:
    return unicodedata.normalize("NFC", name).replace("\\", "/").removeprefix("./")


def _ends(key: str) -> Iterator[str]:
    """`a/b/c` -> `a/b/c`, `b/c`, `c`."""
    while True:
        yield key
        _, slash, key = key.partition("/")
        if not slash:
            return


def _add(index: dict[str, str | None], key: str, name: str) -> None:
    index[key] = name if index.get(key, name) == name else None
