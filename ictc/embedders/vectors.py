"""`vectors:FILE`: vectors of images that were made elsewhere (`embed.files` says how such a file looks)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ictc.embed.files import VectorFile, read_vectors
from ictc.errors import SpecError
from ictc.interfaces import Tick, Vectors, no_tick
from ictc.names import NameIndex
from ictc.registry import EmbedderContext
from ictc.types import Failure, Item


def create(argument: str, context: EmbedderContext) -> GivenVectors:
    """The entry point `vectors`. Reads and checks the whole file.

    Raises:
        SpecError: no file is named. InputError, UsageError, MissingExtra: see `read_vectors`.
    """
    if not argument:
        raise SpecError("'vectors:' names no file.", "Type vectors:FILE.npy or vectors:FILE.parquet")
    return GivenVectors(argument, read_vectors(Path(argument).expanduser()))


class GivenVectors:
    """Implements `ImageEmbedder`. An image is found by its content where the file has hashes, else by its name."""

    def __init__(self, file: str, given: VectorFile) -> None:
        self._file = file
        self._given = given
        self._by_hash = {h: i for i, h in enumerate(given.hashes) if h}
        self._by_name = {name: i for i, name in enumerate(given.names)}
        self._index = NameIndex(given.names)

    @property
    def fingerprint(self) -> str:
        return f"vectors/1:{self._given.digest}"

    def embed_images(self, items: Sequence[Item], tick: Tick = no_tick) -> list[Vectors | Failure]:
        found = [self._of(item) for item in items]
        tick(len(items))
        return found

    @property
    def count(self) -> int:
        return len(self._given.names)

    def row_of(self, item: Item) -> int | None:
        """Which row is the image's; None where there is none."""
        row = self._by_hash.get(item.sha256)
        if row is None and (name := self._index.find(item.name)) is not None:
            row = self._by_name[name]
        return row

    def _of(self, item: Item) -> Vectors | Failure:
        row = self.row_of(item)
        if row is None:
            return Failure(item.name, "describe", "no-vector", f"{self._file} has no vector for this image.")
        if item.sha256 and self._given.hashes[row] not in ("", item.sha256):
            message = f"{self._file} has a vector under this name, but of another image: the file has changed since."
            return Failure(item.name, "describe", "other-image", message)
        vector: Vectors = self._given.rows[row]
        return vector
