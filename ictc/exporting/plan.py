"""What a format asks for, before anything is done: images to put somewhere, and files to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

from ictc.exporting.rows import Row
from ictc.types import Failure

How = Literal["copy", "hardlink", "symlink", "move"]
HOWS: tuple[How, ...] = ("copy", "hardlink", "symlink", "move")

Write = Callable[[BinaryIO], None]


@dataclass(frozen=True, slots=True)
class Place:
    """The image of `row` is to lie at `to`: relative to the target, with `/`."""

    row: Row
    to: str


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to write at `to`. `write` gives the same bytes each time. `before`: what stands there now and is to be
    replaced; None where nothing may."""

    to: str
    write: Write
    before: bytes | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What is exported: the rows that were not left out; `criterion` and the names with their groups, in order.

    `beside`: files belong beside the images and not into a target.
    """

    criterion: str
    clusters: Mapping[str, str]
    rows: Sequence[Row]
    beside: bool = False


class Format(Protocol):
    """One format. It looks at files but changes none."""

    @property
    def extension(self) -> str:
        """Of the one file that it is (`.csv`), or "" where it is a folder."""

    @property
    def takes_images(self) -> bool:
        """Whether image files are put into the target."""

    def places(self, subject: Subject) -> list[Place]:
        """Where the images go."""

    def files(self, subject: Subject, placed: Sequence[Place]) -> Iterator[NewFile | Failure]:
        """The files to write, once the images lie where `placed` says."""


def source_of(place: Place) -> Path:
    """The image file of a place that was looked at."""
    if place.row.path is None:
        raise AssertionError(f"{place.row.image} has no file")
    return place.row.path
