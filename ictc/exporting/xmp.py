"""`xmp`: a sidecar with keywords an image, `IMAGE.jpg.xmp`, in a tree like that of the images; or beside them if asked.

A sidecar that lies beside an image already is never lost: keywords are added to what it says, or nothing is written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from ictc.exporting.filework import is_regular
from ictc.exporting.plan import NewFile, Place, Subject
from ictc.exporting.rows import Row
from ictc.exporting.safenames import Namer
from ictc.exporting.sidecar import Unsafe, level, merged, new
from ictc.revision import path_to_text
from ictc.types import Failure


class Xmp:
    """Implements `Format`. Images in no cluster get no sidecar."""

    extension = ""
    takes_images = False

    def places(self, subject: Subject) -> list[Place]:
        return []

    def files(self, subject: Subject, placed: Sequence[Place]) -> Iterator[NewFile | Failure]:
        tree = _Tree()
        for row in subject.rows:
            if row.cluster is None:
                continue
            if row.path is None:
                if subject.beside:
                    yield Failure(row.image, "image", "missing-file", "The run knows no file of it.")
                else:
                    yield NewFile(tree.place(row.image), partial(_write, new(*_words(row))))
                continue
            there = row.path.with_name(row.path.name + ".xmp")
            to = (path_to_text(there) or "") if subject.beside else tree.place(row.image)
            if subject.beside and not row.path.is_file():
                yield Failure(row.image, "image", "missing-file", f"{path_to_text(row.path)} is not there any more.")
                continue
            yield _file(row, there, to, subject.beside)


def _file(row: Row, there: Path, to: str, beside: bool) -> NewFile | Failure:
    """`there`: where a sidecar may lie already."""
    if not os.path.lexists(there):
        return NewFile(to, partial(_write, new(*_words(row))))
    try:
        if not is_regular(there):
            raise Unsafe("it is a link or no file")
        before = there.read_bytes()
        after = merged(before, *_words(row))
    except (Unsafe, OSError) as e:
        why = e.strerror if isinstance(e, OSError) else e
        return Failure(row.image, "image", "sidecar", f"{path_to_text(there)} stays as it is: {why}.")
    return NewFile(to, partial(_write, after), before if beside else None)


def _words(row: Row) -> tuple[list[str], list[str]]:
    """The keywords, and those in levels."""
    cluster = row.cluster or ""
    if not row.group:
        return [cluster], []
    return [cluster, row.group], [level(row.group), f"{level(row.group)}|{level(cluster)}"]


def _write(content: bytes, file: BinaryIO) -> None:
    file.write(content)


class _Tree:
    """Places for sidecars that mirror the names of the images, each part safe on every file system."""

    def __init__(self) -> None:
        self._within: dict[str, Namer] = {}
        self._folders: dict[tuple[str, str], str] = {}

    def place(self, image: str) -> str:
        """Where the sidecar of this image goes; each image is asked for once."""
        *folders, name = image.split("/")
        at = ""
        for folder in filter(None, folders):
            if (at, folder) not in self._folders:
                self._folders[at, folder] = f"{at}{self._namer(at).folder(folder)}/"
            at = self._folders[at, folder]
        return at + self._namer(at).file(f"{name}.xmp")

    def _namer(self, at: str) -> Namer:
        return self._within.setdefault(at, Namer())
