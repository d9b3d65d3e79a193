"""Whether a file is the publisher's: its size, then its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ictc.datasets.recipe import Source
from ictc.errors import InputError
from ictc.progress import Watch, unwatched

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Used:
    """An official file that a set was made of. `checked`: against what."""

    file: str
    size: int
    sha256: str
    checked: str


def check(source: Source, path: Path, verify: bool = True, watch: Watch = unwatched) -> Used:
    """That the file at `path` is the source's, as far as its publisher says what that is.

    Raises:
        InputError: it is not; or it cannot be read.
    """
    size = _size(path)
    if verify and source.size and size != source.size:
        raise differs(source, path, f"{source.size:,} bytes", f"{size:,} bytes")
    kind, _, expected = source.checksum.partition(":")
    sha256, found = _digests(path, kind if verify else "", size, watch)
    if verify and expected and found != expected:
        raise differs(source, path, f"{kind} {expected}", f"{kind} {found}")
    what = (kind if expected else "size" if source.size else "no checksum is published") if verify else "not checked"
    return Used(source.file, size, sha256, what)


def differs(source: Source, path: Path, expected: str, found: str) -> InputError:
    """The file is another than the publisher's, or a part of it."""
    return InputError(
        f"{path} is not the official {source.file}: expected {expected}, found {found}.",
        f"It was cut off or changed. Get it again: {source.url}\nTo use it as it is, add --no-verify.",
    )


def is_same(source: Source, path: Path) -> bool:
    """Whether a file of another name is the source's, by size and hash; only where the publisher states both."""
    if not source.checksum or not source.size or _size(path) != source.size:
        return False
    kind, _, expected = source.checksum.partition(":")
    return _digests(path, kind, source.size, unwatched)[1] == expected


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise _unread(path, error) from error


def _unread(path: Path, error: OSError) -> InputError:
    return InputError(f"{path} cannot be read: {error.strerror}.", "Check its name and its permissions.")


def _digests(path: Path, kind: str, size: int, watch: Watch) -> tuple[str, str]:
    """SHA-256, and that of `kind` ("" for none)."""
    sha256 = hashlib.sha256()
    other = sha256 if kind in ("", "sha256") else hashlib.new(kind, usedforsecurity=False)
    update: Callable[[bytes], None] = sha256.update
    try:
        with watch(f"checking {path.name} (MiB)", max(1, size // _BLOCK)) as tick, path.open("rb") as file:
            while block := file.read(_BLOCK):
                update(block)
                if other is not sha256:
                    other.update(block)
                tick(1)
    except OSError as error:
        raise _unread(path, error) from error
    return sha256.hexdigest(), other.hexdigest()
