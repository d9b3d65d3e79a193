"""What a data set is to ictc: where it comes from, what it can be clustered by, and how its files become samples.

A recipe is a `Dataset` in a module of its own, registered under the entry points `ictc.datasets`:

    [project.entry-points."ictc.datasets"]
    mnist = "ictc_datasets.mnist:DATASET"

`read` gets the files (`Place`: names and bytes, whether they lie in archives or in a folder) and what was asked
(`Options`), and gives every sample of the split, without loading any image. Which samples are kept (--classes,
--per-class), in what order they are loaded, what they are called and how they are written is not its business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""(height, width) grey or (height, width, 3) RGB."""

Image = Callable[[], "bytes | Pixels | None"]
"""Loads one image when it is wanted: an encoded file as it is, or pixels. None: it is not to be had any more."""

ALL = "all"
"""The split that is every other one, one after the other."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One way to group the images: a column of metadata.csv. `classes` is K of the whole set, 0 where that depends on
    what is given. `needs`: what has to be given for it (--labels), in words; "" where the set itself has it."""

    name: str
    classes: int = 0
    needs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One official file. `size` in bytes, 0 where nobody states it; `checksum` is "md5:...", "sha1:..." or
    "sha256:...", "" where none is known.

    `splits`: those that need it; none means all. `instead_of`: the file whose place it can take when it is given
    (another packing of the same data); such a one is never downloaded. `optional`: used when given, never downloaded
    and never missed. `by_hand`: why it cannot be downloaded for a person, and what to do; "" where it can.
    """

    file: str
    url: str
    size: int = 0
    checksum: str = ""
    splits: tuple[str, ...] = ()
    instead_of: str = ""
    optional: bool = False
    by_hand: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """What of a data set is wanted. `split`: one of the data set's. `classes`: of the first criterion, none for all.
    `classes_file`: the file that they stand in, if any, to be named in messages. `per_class`: at most so many of each
    class of the first criterion, drawn with `seed`; 0 for all. `labels`: by criterion, a file of classes that the data
    set does not have itself."""

    split: str
    classes: tuple[str, ...] = ()
    per_class: int = 0
    seed: int = 782
    labels: Mapping[str, Path] = field(default_factory=dict)
    classes_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One image. `number` is unique in the split and the same whatever the files are packed in, and whatever is
    left out. `classes` by criterion; the first criterion's stands in the file's name; "" or none: not known.

    `suffix` is that of the file written: `.png` for pixels, the original's where `image` gives an encoded file, which
    is written byte for byte. `original`: what the publisher calls the image, "" where it has no name. `written`: the
    number as the file's name has it where that is not `number` (`001`: unique only together with the class).
    """

    number: int
    classes: Mapping[str, str]
    image: Image
    suffix: str = ".png"
    original: str = ""
    written: str = ""


class Member(Protocol):
    """One file of a `Place`, to be loaded when it is wanted. An `Image` as it stands."""

    @property
    def name(self) -> str: ...
    @property
    def order(self) -> tuple[int, int]:
        """Where it is stored: reading in this order goes through every archive once."""
        ...

    def __call__(self) -> bytes: ...


class Place(Protocol):
    """The files of a data set by name, `/` between folders: members of archives and files of folders alike.

    A name begins with whatever the archive or folder was called, so files are asked for by how their names end:
    `need("ImageSplits/actions.txt")`. Reading never leaves the place: links, `..` and absolute names are refused.
    """

    @property
    def names(self) -> Sequence[str]:
        """All of them, sorted as people count (2 before 10); hidden files and __MACOSX left out."""
        ...

    def find(self, *endings: str) -> str | None:
        """The file whose name ends (by whole parts) with the first of `endings` that any has; None when none has."""
        ...

    def need(self, *endings: str) -> str:
        """As `find`; InputError that says what is missing and where it is from."""
        ...

    def within(self, folder: str) -> list[str]:
        """The names that lie, at any depth, in a folder called so (`images`, `a/b`), sorted as `names`."""
        ...

    def below(self, name: str, folder: str) -> str:
        """What stands in `name` after `folder`: `x/images/apple/1.jpg`, `images` -> `apple/1.jpg`."""
        ...

    def open(self, name: str) -> BinaryIO:
        """The bytes of a file, as they are (a `.gz` stays packed)."""
        ...

    def read(self, name: str, most: int = ...) -> bytes:
        """All of them; InputError where there are more than `most`."""
        ...

    def member(self, name: str) -> Member:
        """For `Sample.image`."""
        ...

    def remote(self, source: Source) -> Image:
        """For `Sample.image`: the file of that name where it is in the place, else downloaded; None when its
        publisher does not have it any more (404)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A recipe. `criteria`: the first names the files. `splits`: number of images as published, by name, 0 where it
    depends; the first is what is prepared when nothing is said. `licence`: as the publisher states it, or that none
    is stated. `note`: what a person should know before preparing it (label files, access). `loose`: images are single
    files, looked for in the folders given even where every source is there. `by_classes`: too large to be taken whole,
    so that --classes must be given."""

    name: str
    title: str
    page: str
    licence: str
    citation: str
    criteria: tuple[Criterion, ...]
    splits: Mapping[str, int]
    sources: tuple[Source, ...]
    read: Callable[[Place, Options], Iterable[Sample]]
    note: str = ""
    loose: bool = False
    by_classes: bool = False

    def wanted(self, split: str) -> list[Source]:
        """The sources that must be there for a split, in their official packing."""
        return [s for s in self.sources if needed(s, split) and not s.instead_of and not s.optional]

    def parts(self, split: str) -> list[str]:
        """The splits that make up `split`: itself, or every other one for "all"."""
        return [s for s in self.splits if s != ALL] if split == ALL else [split]


def needed(source: Source, split: str) -> bool:
    """Whether the split needs the source (or what stands in for it)."""
    return split == ALL or not source.splits or split in source.splits
