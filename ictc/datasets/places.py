"""The files of a data set by name, whether they lie in archives or folders (`recipe.Place`)."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from ictc.datasets.archives import Archive
from ictc.datasets.recipe import Image, Source
from ictc.errors import InputError
from ictc.images.naming import natural_key

MOST = 1 << 30
"""Bytes of one file that is read whole; the largest of the sets here has 250 million."""


class Gone(Exception):
    """The publisher does not have a file any more."""


class Layer(Protocol):
    """One archive, file or folder of a place. `sizes` by the name within it, in the order of storage."""

    sizes: dict[str, int]

    def open(self, name: str) -> BinaryIO: ...


class FolderLayer:
    """The regular files below a folder. `left_out`, each with why: links that lead out of it, which are not followed,
    and folders in it that cannot be read (`lost+found`).

    Raises:
        InputError: the folder itself cannot be read.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sizes: dict[str, int] = {}
        self.left_out: list[str] = []
        inside = root.resolve()

        def unreadable(error: OSError) -> None:
            if Path(error.filename) == root:
                raise InputError(f"{root} cannot be read: {error.strerror}.", "Check its permissions.") from error
            self.left_out.append(f"{Path(error.filename).relative_to(root).as_posix()}, which cannot be read")

        for folder, below, files in os.walk(root, onerror=unreadable):
            below.sort(key=lambda name: natural_key(Path(name)))
            links = [name for name in below if (Path(folder) / name).is_symlink()]
            for name in [*sorted(files, key=lambda name: natural_key(Path(name))), *links]:
                path = Path(folder) / name
                if path.is_symlink() and not _leads_into(inside, path):
                    self.left_out.append(f"{path.relative_to(root).as_posix()}, a link out of the folder")
                elif path.is_file():
                    self.sizes[path.relative_to(root).as_posix()] = path.stat().st_size

    def open(self, name: str) -> BinaryIO:
        return _opened(self.root / name)


class FileLayer:
    """One file."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self.sizes = {name: path.stat().st_size}

    def open(self, name: str) -> BinaryIO:
        return _opened(self._path)


@dataclass(frozen=True, slots=True)
class FileMember:
    """`recipe.Member`."""

    place: Files
    name: str
    order: tuple[int, int]

    def __call__(self) -> bytes:
        return self.place.read(self.name)


@dataclass(slots=True)
class Fetched:
    """An image of its own address. `remote` tells that several can be waited for at once, and that one that cannot be
    had does not stop the others."""

    source: Source
    fetch: Callable[[Source], Path]
    remote: bool = True
    _at: Path | None = None

    def __call__(self) -> bytes | None:
        try:
            self._at = self.fetch(self.source)
            return self._at.read_bytes()
        except Gone:
            return None

    def forget(self) -> None:
        """Removes what was downloaded, once the image stands in its place."""
        if self._at:
            self._at.unlink(missing_ok=True)


class Files:
    """A `recipe.Place` of layers, by what each is called ("" for a folder: its names stand alone).

    `missing`: what is said where a file is not there; the address of what was not given. `fetch` gets a single file
    of its own address.
    """

    def __init__(
        self, layers: Sequence[tuple[str, Layer]], fetch: Callable[[Source], Path], missing: Callable[[], str]
    ) -> None:
        self._fetch, self._missing = fetch, missing
        self._closing = [layer.close for _, layer in layers if hasattr(layer, "close")]
        self._at: dict[str, tuple[Layer, str, tuple[int, int]]] = {}
        self.left_out = [name for _, layer in layers for name in getattr(layer, "left_out", ())]
        for number, (called, layer) in enumerate(layers):
            for order, inner in enumerate(layer.sizes):
                if not _hidden(inner):
                    self._at[f"{called}/{inner}" if called else inner] = (layer, inner, (number, order))
        self.names = tuple(sorted(self._at, key=lambda name: natural_key(Path(name))))
        self._by_last: dict[str, list[str]] = {}
        for name in self.names:
            self._by_last.setdefault(name.rpartition("/")[2], []).append(name)

    def close(self) -> None:
        """No file of an archive can be read any more."""
        for close in self._closing:
            close()

    def find(self, *endings: str) -> str | None:
        for ending in endings:
            found = [
                n for n in self._by_last.get(ending.rpartition("/")[2], ()) if n == ending or n.endswith(f"/{ending}")
            ]
            least = min((n.count("/") for n in found), default=0)
            nearest = [n for n in found if n.count("/") == least]
            if len(nearest) > 1:
                raise InputError(
                    f"Two files could be {ending}: {nearest[0]} and {nearest[1]}.",
                    "Give one of their folders: --from DIR",
                )
            if nearest:
                return nearest[0]
        return None

    def need(self, *endings: str) -> str:
        if (found := self.find(*endings)) is not None:
            return found
        left_out = f" ({len(self.left_out):,} left out: {self.left_out[0]})" if self.left_out else ""
        raise InputError(f"There is no {endings[0]} in what was given{left_out}.", self._missing())

    def within(self, folder: str) -> list[str]:
        return [name for name in self.names if f"/{folder}/" in f"/{name}"]

    def below(self, name: str, folder: str) -> str:
        return f"/{name}".partition(f"/{folder}/")[2]

    def open(self, name: str) -> BinaryIO:
        layer, inner, _ = self._at[name]
        return layer.open(inner)

    def read(self, name: str, most: int = MOST) -> bytes:
        layer, inner, _ = self._at[name]
        if layer.sizes[inner] > most:
            raise InputError(f"{name} has {layer.sizes[inner]:,} bytes; at most {most:,} are read.", "Is it that file?")
        try:
            with layer.open(inner) as file:
                return file.read(most)
        except OSError as error:
            raise InputError(f"{name} cannot be read: {error.strerror or error}.", "Check the disk.") from error

    def member(self, name: str) -> FileMember:
        return FileMember(self, name, self._at[name][2])

    def remote(self, source: Source) -> Image:
        found = self.find(source.file)
        return self.member(found) if found else Fetched(source, self._fetch)


def without(folder: FolderLayer, archives: Iterable[Archive]) -> FolderLayer:
    """The folder without the files that are unpacked from one of the archives: each file is seen once."""
    packed = {name for archive in archives for name in archive.sizes}
    for name in [n for n in folder.sizes if any(ending in packed for ending in _endings(n))]:
        del folder.sizes[name]
    return folder


def _leads_into(folder: Path, link: Path) -> bool:
    try:
        return link.resolve().is_relative_to(folder)
    except (OSError, RuntimeError):  # it leads in a circle
        return False


def _endings(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[i:]) for i in range(len(parts))]


def _hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)


def _opened(path: Path) -> BinaryIO:
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise InputError(f"{path} is no regular file.", "Give the files themselves.")
    return file
