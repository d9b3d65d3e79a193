"""Archives that others made, read member by member; nothing is ever unpacked onto the disk.

Whatever could lead a program out of its folder is refused all the same, for such an archive is not the publisher's:
absolute names, `..`, drive letters, symbolic and hard links, devices. So is one that unpacks to far more than any
data set (`RATIO`), told by the sizes it states, and nothing is read beyond a stated size.
"""

from __future__ import annotations

import io
import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from ictc.errors import InputError
from ictc.interfaces import Tick
from ictc.progress import Watch, unwatched

RATIO, SLACK = 100, 1 << 30
"""More than SLACK bytes, and RATIO times the archive's own: nobody packs images like that (deflate's most is 1,032)."""

MEMBERS = 4_000_000
_BLOCK = 1 << 20
_HEADER = 1 << 20  # bytes of one tar header: they hold names, and are read whole
_DRIVE = re.compile(r"[A-Za-z]:")
_AGAIN = "It was cut off or changed: get it again from the publisher."
_UNPACK = "Unpack it, and give the folder: --from DIR"
_BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError,
    RuntimeError, ValueError, OverflowError,
)  # fmt: skip
"""What the standard library's readers raise at bytes that are no archive."""


class Archive(Protocol):
    """An archive that is open. `sizes`: bytes stated, by name, in the order of storage; folders left out."""

    sizes: dict[str, int]

    def open(self, name: str) -> BinaryIO: ...

    def close(self) -> None: ...


def open_archive(path: Path, watch: Watch = unwatched) -> Archive | None:
    """The archive at `path`, told by its content; None where it is a single file, packed with gzip or not. To close
    it is the caller's.

    Raises:
        InputError: damaged, encrypted, of a kind that is not read, or made to do harm.
    """
    with _told(path):
        if path.suffix.lower() in (".7z", ".rar"):
            raise InputError(
                f"{path} is of a kind that is not read here.", "Unpack it, and give the folder: --from DIR"
            )
        with path.open("rb") as file:
            start = file.read(4)
        if start[:2] == b"PK" or path.suffix.lower() == ".zip":
            return _Zip(path)
        with ExitStack() as stack:
            packed = stack.enter_context(path.open("rb"))
            try:
                tar = tarfile.open(path.name, "r:*", packed, tarinfo=_Info)  # noqa: SIM115 (open as the place is)
            except tarfile.ReadError:
                if ".tar" in path.name.lower() or path.suffix.lower() == ".tgz":
                    raise
                return None
            with watch(f"listing {path.name} (MiB)", max(1, path.stat().st_size // _BLOCK)) as tick:
                archive = _Tar(path, tar, packed, tick)
            stack.pop_all()
            return archive


class _Info(tarfile.TarInfo):
    """A header that holds another's name is read whole before anyone can look at it: only if it is as long as names."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Info:
        info = super().frombuf(buf, encoding, errors)
        if info.size > _HEADER and not (info.isreg() or info.isdir() or info.issym() or info.islnk() or info.isdev()):
            raise InputError(f"It has a header of {info.size:,} bytes.", _AGAIN)
        return info


class _Zip:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._zip = zipfile.ZipFile(path)
        self._infos: dict[str, zipfile.ZipInfo] = {}
        self.sizes: dict[str, int] = {}
        bound = _Bound(path)
        for info in sorted(self._zip.infolist(), key=lambda i: i.header_offset):
            name = _checked(path, info.orig_filename, link=stat.S_ISLNK(info.external_attr >> 16))
            if info.is_dir() or name.endswith("/"):
                continue
            if info.flag_bits & 1:
                raise InputError(f"{path}: {name} is encrypted.", _UNPACK)
            bound.add(info.file_size)
            self._infos[name], self.sizes[name] = info, info.file_size

    def close(self) -> None:
        self._zip.close()

    def open(self, name: str) -> BinaryIO:
        with _told(self._path, name):
            return _guarded(self._zip.open(self._infos[name]), self._path, name, self.sizes[name])


class _Tar:
    """`packed`: the file itself. All of one that is packed is gone through to list it, which takes a while."""

    def __init__(self, path: Path, tar: tarfile.TarFile, packed: BinaryIO, tick: Tick) -> None:
        self._path, self._tar, self._packed = path, tar, packed
        told = 0
        self._infos: dict[str, tarfile.TarInfo] = {}
        self.sizes: dict[str, int] = {}
        bound = _Bound(path)
        for info in tar:  # the size is looked at before anything is unpacked to get to the next header
            bound.add(info.size)
            name = _checked(path, info.name, link=info.issym() or info.islnk())
            if info.isdir():
                continue
            if not info.isreg():
                raise InputError(f"{path}: {name} is a device or pipe, not a file.", _AGAIN)
            self._infos[name], self.sizes[name] = info, info.size
            if (now := packed.tell() // _BLOCK) > told:
                tick(now - told)
                told = now
        self._end()

    def close(self) -> None:
        self._tar.close()
        self._packed.close()

    def _end(self) -> None:
        """The standard library takes a damaged header for the end: the end is zeros, or nothing."""
        assert self._tar.fileobj is not None
        self._tar.fileobj.seek(self._tar.offset)
        if self._tar.fileobj.read(tarfile.BLOCKSIZE).strip(b"\0"):
            raise InputError(f"{self._path} is damaged at byte {self._tar.offset:,} of its unpacked content.", _AGAIN)

    def open(self, name: str) -> BinaryIO:
        with _told(self._path, name):
            file = self._tar.extractfile(self._infos[name])
            assert file is not None  # only regular files are listed
            return _guarded(file, self._path, name, self.sizes[name])


class _Bound:
    """How much an archive may unpack to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._packed = path.stat().st_size
        self._size = self._members = 0

    def add(self, size: int) -> None:
        self._size += size
        self._members += 1
        if self._members > MEMBERS or self._size > max(SLACK, RATIO * self._packed):
            raise InputError(
                f"{self._path} has {self._packed:,} bytes and says that it unpacks to {self._size:,} or more"
                f" ({self._members:,} files): no data set is packed like that.",
                _AGAIN,
            )


def _checked(path: Path, name: str, link: bool) -> str:
    plain = name.replace("\\", "/")
    while plain.startswith("./"):
        plain = plain[2:]
    if plain.startswith("/") or _DRIVE.match(plain) or ".." in plain.split("/") or "\0" in plain:
        raise InputError(
            f"{path}: the member {name!r} would be written outside of the folder it is unpacked into.",
            "Such an archive is made to do harm: get it again from the publisher. Nothing was unpacked.",
        )
    if link:
        raise InputError(
            f"{path}: the member {name!r} is a link, which could lead out of the folder.",
            "Get it again from the publisher, or unpack it yourself and give the folder: --from DIR",
        )
    return plain


class _Guarded(io.RawIOBase):
    """Errors of a packed stream as InputError, and no byte beyond the stated size."""

    def __init__(self, file: IO[bytes], path: Path, name: str, size: int) -> None:
        self._file, self._path, self._name, self._size, self._left = file, path, name, size, size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """For an archive within an archive: ImageNet's is one of one for each synset."""
        with _told(self._path, self._name):
            at = self._file.seek(offset, whence)
        self._left = max(0, self._size - at)
        return at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        with _told(self._path, self._name):
            data = self._file.read(min(len(buffer), self._left))
            if not data and self._left and len(buffer):
                raise EOFError(f"{self._left:,} bytes are missing")
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


def _guarded(file: IO[bytes], path: Path, name: str, size: int) -> BinaryIO:
    return io.BufferedReader(_Guarded(file, path, name, size))


@contextmanager
def _told(path: Path, name: str = "") -> Iterator[None]:
    where = f"{path}: {name}" if name else str(path)
    try:
        yield
    except InputError:
        raise
    except _BROKEN as error:
        raise InputError(
            f"{where} cannot be read: {str(error).rstrip('.') or type(error).__name__}.", _AGAIN
        ) from error
