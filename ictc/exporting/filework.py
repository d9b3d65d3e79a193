"""Putting files in their places: nothing is overwritten, and a part of a file is never seen under its name."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from ictc.files import sync_folder
from ictc.images.files import ImageFault, open_regular

_BLOCK = 1 << 20
FULL = {errno.ENOSPC, errno.EDQUOT}
NO_LINKS = {errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL}


class Changed(Exception):
    """A file is not what it was when the run looked at it."""


def sha256_of(path: Path) -> str:
    """Of a regular file. Raises ImageFault: there is none that can be read. OSError: reading stops half-way."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def part_of(path: Path) -> Path:
    """Where the file grows that is to be `path`; the same each time, so that it is found again after a kill."""
    return path.with_name(f".ictc-{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}.part")


def discard(path: Path) -> None:
    """Remove a file where there is one."""
    path.unlink(missing_ok=True)


def copy(source: Path, to: Path, sha256: str, *, keep: bool = False) -> None:
    """A copy with times and permissions, seen as `to` only once it is whole and has this digest. With `keep`, it
    was read back and is safe on the disk when this returns.

    Raises:
        Changed: the source has other content. FileExistsError: something is there. ImageFault: no source.
    """
    part = part_of(to)
    discard(part)
    try:
        with open_regular(source) as read:
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
            with os.fdopen(handle, "wb") as written:
                digest = hashlib.sha256()
                while block := read.read(_BLOCK):
                    digest.update(block)
                    written.write(block)
                written.flush()
                if keep:
                    os.fsync(written.fileno())
        if digest.hexdigest() != sha256 or (keep and sha256_of(part) != sha256):
            raise Changed
        shutil.copystat(source, part)
        into_place(part, to)
    except BaseException:
        with suppress(OSError):
            part.chmod(0o600)
        with suppress(OSError):
            discard(part)
        raise
    if keep:
        sync_folder(to.parent)


def move(source: Path, to: Path, sha256: str) -> None:
    """As `copy`, and then `source` is gone. On one file system the file itself goes; across two it is copied, read back
    and only then deleted.

    Raises: as `copy`.
    """
    if sha256_of(source) != sha256:
        raise Changed
    try:
        into_place(source, to)
    except OSError as e:
        if e.errno != errno.EXDEV:
            raise
        copy(source, to, sha256, keep=True)
        source.unlink()


def into_place(source: Path, to: Path) -> None:
    """`source` becomes `to`, on one file system. Raises FileExistsError: something is there."""
    try:
        os.link(source, to, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError as e:
        if e.errno not in NO_LINKS:
            raise
        # no hard links here (FAT): an empty file holds the place, so that two writers never meet
        os.close(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        try:
            source.replace(to)
        except OSError:
            to.unlink()
            raise
        return
    source.unlink()


def write(
    to: Path, content: Callable[[BinaryIO], object], *, replace: bool = False, mtime_ns: int | None = None
) -> None:
    """A new file, whole or not at all; with `replace` instead of the one that is there, and safe on the disk;
    with the time `mtime_ns` where that is given.

    Raises FileExistsError: something is there, and not `replace`.
    """
    part = part_of(to)
    discard(part)
    try:
        handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        with os.fdopen(handle, "w+b") as file:
            content(file)
            file.flush()
            if replace:
                os.fsync(file.fileno())
        if replace:
            with suppress(OSError):
                shutil.copymode(to, part)
            if mtime_ns is not None:
                os.utime(part, ns=(mtime_ns, mtime_ns))
            part.replace(to)
            sync_folder(to.parent)
        else:
            into_place(part, to)
    except BaseException:
        with suppress(OSError):
            discard(part)
        raise


def digest_of(content: Callable[[BinaryIO], object]) -> str:
    """Of what `content` writes."""
    sink = _Digest()
    content(cast(BinaryIO, sink))
    return sink.digest.hexdigest()


def is_regular(path: Path) -> bool:
    """Whether a file itself lies here, and not a link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths are one file (hard links of it)."""
    try:
        return os.path.samestat(one.lstat(), other.lstat())
    except OSError:
        return False


def holds(path: Path, sha256: str) -> bool:
    """Whether a regular file lies here that has this content."""
    try:
        return is_regular(path) and sha256_of(path) == sha256
    except (ImageFault, OSError):
        return False


class _Digest(io.RawIOBase):
    """A file that only takes in what is written."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.digest.update(data)
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        return self._at
