"""Writing files whole or not at all: temporary name, sync, rename, sync of the folder."""

from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import jsonlines

from ictc.errors import RunError, StorageFull, UsageError

_FULL = {errno.ENOSPC, errno.EDQUOT}


def check_place(path: Path) -> None:
    """That a file can be put there, as far as one can tell without doing it.

    Raises:
        UsageError: its folder is not there or may not be written, or it is a folder itself.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder, not a file.", f"Name a file in it: {path / ('FILE' + path.suffix)}")
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent} for {path.name}.", "Make it, or name another file.")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"The folder {path.parent} may not be written.", "Choose another one.")


def write_atomic(path: Path, content: bytes | str) -> None:
    """Put `content` at `path`: readers see the old file or the new one, never a part.

    Text is written as UTF-8; what cannot be (a file name that was not UTF-8) is written as `\\udcXX`.

    Raises:
        StorageFull: the disk is full; the old file stays.
        RunError: the folder cannot be written.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    with _replacing(path) as file:
        file.write(data)


def write_again(path: Path, content: bytes) -> None:
    """As `write_atomic` for what can be made again: not synced, so after a power failure it may be gone or empty."""
    with _replacing(path, synced=False) as file:
        file.write(content)


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """As `write_atomic`, one JSON object a line, in the order given.

    Raises:
        ValueError: a number is NaN or infinite, which JSON cannot hold.
    """
    with _replacing(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="\n")
        jsonlines.Writer(text, dumps=_dumps).write_all(rows)
        text.detach()


def _dumps(row: Mapping[str, Any]) -> str:
    """JSON as people read it; escaped throughout where a lone surrogate cannot be written as UTF-8."""
    line = json.dumps(row, ensure_ascii=False, allow_nan=False)
    try:
        line.encode()
    except UnicodeEncodeError:
        return json.dumps(row, ensure_ascii=True, allow_nan=False)
    return line


@contextmanager
def _replacing(path: Path, synced: bool = True) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` when the block ends well, and is removed when it does not.

    Its name is fixed, so that what a kill leaves behind is overwritten by the next writer. Writers of one path must
    not run at the same time; the lock of a run folder sees to that.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with suppress(FileNotFoundError):
            part.unlink()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(part, flags, 0o666), "wb") as file:
            yield file
            if synced:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
        if synced:
            sync_folder(path.parent)
    except OSError as e:
        _discard(part)
        raise _translated(e, path) from e
    except BaseException:
        _discard(part)
        raise


def _discard(part: Path) -> None:
    with suppress(OSError):
        part.unlink()


def sync_folder(folder: Path) -> None:
    """Names in it are safe on the disk afterwards, where the system can do that."""
    if os.name == "nt":  # folders cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _translated(error: OSError, path: Path) -> Exception:
    if error.errno in _FULL:
        return StorageFull(
            f"The disk that holds {path.parent} is full.",
            "Free some space and run the same command again: what was computed is kept.",
        )
    return RunError(
        f"{path} cannot be written: {error.strerror or error}.",
        "Check that the folder exists and may be written, or choose another one.",
    )
