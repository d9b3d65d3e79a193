"""`vectors:FILE`: vectors of images that were made elsewhere (`embed.files` says how such a file looks)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ictc.embed.files import VectorFile, read_vectors
from ictc.errors import IctcError, SpecError
from ictc.images.naming import path_as_name
from ictc.interfaces import Tick, Vectors, no_tick
from ictc.names import NameIndex
from ictc.registry import EmbedderContext
from ictc.types import Failure, Item

NAME = "vectors"


def create(argument: str, context: EmbedderContext) -> GivenVectors | KeptVectors:
    """The entry point `vectors`. Reads and checks the whole file, unless the run has vectors of it already.

    Raises:
        SpecError: no file is named. InputError, UsageError, MissingExtra: see `read_vectors`.
    """
    if not argument:
        raise SpecError("'vectors:' names no file.", "Type vectors:FILE.npy or vectors:FILE.parquet")
    return KeptVectors(argument, context.kept) if context.kept else given(argument)


def given(file: str, *, guesses: bool = True) -> GivenVectors:
    """Raises InputError, UsageError, MissingExtra: see `read_vectors`."""
    return GivenVectors(file, read_vectors(Path(file).expanduser()), guesses=guesses)


class GivenVectors:
    """Implements `ImageEmbedder`, `Foreseeing` and `Trained`. An image is found by its content where the file has
    hashes, else by its name, else (with `guesses`) by a name that ends alike; where that could mean two images
    (`1.jpg`: a/1.jpg and b/1.jpg), neither gets the vector."""

    def __init__(self, file: str, found: VectorFile, *, guesses: bool) -> None:
        self._file = file
        self._given = found
        self.seen = found.seen
        self._by_hash = {h: i for i, h in enumerate(found.hashes) if h}
        self._by_name = {name: i for i, name in enumerate(found.names)}
        self._index = NameIndex(found.names if guesses else ())
        self._meant: dict[int, dict[str, str]] = {}
        """Row -> the images that it could be of, by name with their hashes."""

    @property
    def fingerprint(self) -> str:
        return f"vectors/1:{self._given.digest}"

    @property
    def count(self) -> int:
        return len(self._given.names)

    def foresee(self, items: Sequence[Item]) -> None:
        for item in items:
            if (row := self.row_of(item)) is not None:
                self._meant.setdefault(row, {})[item.name] = item.sha256

    def embed_images(self, items: Sequence[Item], tick: Tick = no_tick) -> list[Vectors | Failure]:
        self.foresee(items)
        found = [self._of(item) for item in items]
        tick(len(items))
        return found

    def row_of(self, item: Item) -> int | None:
        """Which row could be the image's, by its own content and name alone; None where none could."""
        row = self._certain(item)
        if row is None and (name := self._index.find(item.name)) is not None:
            row = self._by_name[name]
        return row

    def _certain(self, item: Item) -> int | None:
        row = self._by_hash.get(item.sha256)
        return self._by_name.get(item.name) if row is None else row

    def _of(self, item: Item) -> Vectors | Failure:
        row = self.row_of(item)
        if row is None:
            return _failure(item, "no-vector", f"{self._file} has no vector for this image.")
        there = f"'{path_as_name(self._given.names[row])}' in {self._file}"
        if item.sha256 and self._given.hashes[row] not in ("", item.sha256):
            said = f"{there} is another image, or was another when it was embedded: the sha256 beside it says so."
            return _failure(item, "other-image", said)
        others = [n for n, h in self._meant[row].items() if n != item.name and (not h or h != item.sha256)]
        if others and self._certain(item) is None:
            said = f"{there} could mean this image or {path_as_name(others[0])}: neither gets its vector by a guess."
            return _failure(item, "two-images", said)
        vector: Vectors = self._given.rows[row]
        return vector


class KeptVectors:
    """Implements `ImageEmbedder` for a run that has its vectors: the file is needed for images that come later alone,
    and has to be the one that it was. Of these none is found by a guess, since the others are not known here."""

    def __init__(self, file: str, fingerprint: str) -> None:
        self._file = file
        self.fingerprint = fingerprint

    def embed_images(self, items: Sequence[Item], tick: Tick = no_tick) -> list[Vectors | Failure]:
        try:
            found = given(self._file, guesses=False)
        except IctcError as error:
            reason = error.message
        else:
            if found.fingerprint == self.fingerprint:
                return found.embed_images(items, tick)
            reason = f"{self._file} has changed since the run was made, so its vectors may be of another space."
        tick(len(items))
        return [_failure(item, "no-vector", reason) for item in items]


def _failure(item: Item, code: str, message: str) -> Failure:
    return Failure(item.name, "describe", code, message)
