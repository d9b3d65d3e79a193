"""Putting back what an export did, last things first. Each step looks at the files themselves, so it can be killed and
done again. What changed since is left alone and told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ictc.errors import StorageFull
from ictc.exporting import filework
from ictc.exporting.journal import Action, Journal, digests
from ictc.images.files import ImageFault
from ictc.interfaces import Tick
from ictc.revision import text_to_path
from ictc.types import Failure


@dataclass(slots=True)
class Undone:
    """`moved`: where an image lay, and where it lies again. `kept`: folders with other things in them."""

    moved: dict[Path, Path] = field(default_factory=dict)
    removed: int = 0
    restored: int = 0
    kept: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


class _Stays(Exception):
    """Why a file is left where it is."""


def undo(journal: Journal, tick: Tick) -> Undone:
    """Put everything back; with no failures, `remove` is to follow.

    Raises:
        StorageFull: images that go back to another disk do not fit there.
    """
    done, contents = Undone(), digests(journal.actions)
    for action in reversed(journal.actions):
        path = journal.path(action.to)
        try:
            _tidy(action, path)
            if journal.root and any(p.is_symlink() for p in path.parents if p.is_relative_to(journal.root)):
                raise _Stays("the folder it lies in was replaced by a link")
            _undo(action, path, contents[action.to], done)
        except _Stays as e:
            done.failures.append(Failure(action.to, "image", "stays", f"Left as it is: {e}."))
        except (ImageFault, filework.Changed):
            done.failures.append(
                Failure(action.to, "image", "changed", "Left as it is: it cannot be read, or changed.")
            )
        except OSError as e:
            if e.errno in filework.FULL:
                raise StorageFull("The disk is full.", "Free some space and undo again: it goes on.") from e
            done.failures.append(Failure(action.to, "image", "unwritable", f"{e.strerror or e}."))
        tick(1)
    return done


def _undo(action: Action, path: Path, contents: set[str], done: Undone) -> None:
    source = text_to_path(action.source or None)
    if action.do == "folder":
        if path.is_dir():
            try:
                path.rmdir()
            except OSError:
                done.kept.append(action.to)
    elif action.do == "move" and source is not None:
        _back(action, path, source, done)
    elif action.do == "replace":
        _restore(action, path, done)
    elif not os.path.lexists(path):
        return
    elif action.do == "symlink":
        if not path.is_symlink() or path.readlink() != source:
            raise _Stays("it is not the link that was made")
        _unlink(path, done)
    elif action.do == "write":
        if not any(filework.holds(path, sha256) for sha256 in contents) and not _is_empty(path):
            raise _Stays("it changed since")
        _unlink(path, done)
    else:  # a copy or a hard link
        if source is None or not os.path.lexists(source):
            raise _Stays(f"its original, {action.source}, is gone")
        same = filework.same_file(path, source.resolve()) or filework.holds(path, action.sha256)
        if not same and not _is_empty(path):
            raise _Stays("it changed since")
        _unlink(path, done)


def _back(action: Action, path: Path, source: Path, done: Undone) -> None:
    """A moved image to where it came from."""
    there, here = os.path.lexists(source), os.path.lexists(path)
    if not here:
        if not there:
            raise _Stays(f"it is neither here nor at {action.source}")
        done.moved[path] = source  # put back before, or never moved
        return
    if there:
        if filework.same_file(path, source) or _is_empty(path):
            _unlink(path, done)
        elif filework.holds(path, action.sha256) and filework.holds(source, action.sha256):
            path.unlink()
        else:
            raise _Stays(f"something else is at {action.source}")
    elif not filework.is_regular(path):
        raise _Stays("it is no file any more")
    else:
        source.parent.mkdir(parents=True, exist_ok=True)
        try:
            filework.move(path, source, action.sha256)
        except filework.Changed:
            raise _Stays("it changed since") from None
    done.moved[path] = source


def _restore(action: Action, path: Path, done: Undone) -> None:
    """The text that a file had."""
    before = (action.before or "").encode()
    if filework.holds(path, filework.digest_of(lambda file: file.write(before))):
        return
    if not filework.holds(path, action.sha256):
        raise _Stays("it changed since" if os.path.lexists(path) else "it is gone")
    filework.write(path, lambda file: file.write(before), replace=True, mtime_ns=action.mtime_ns)
    done.restored += 1


def _unlink(path: Path, done: Undone) -> None:
    path.unlink()
    done.removed += 1


def _is_empty(path: Path) -> bool:
    """An empty file: what held a place, where a kill came just then."""
    return filework.is_regular(path) and not path.lstat().st_size


def _tidy(action: Action, path: Path) -> None:
    """Away with what a kill left half-written."""
    if action.do == "folder":
        return
    with suppress(OSError):
        filework.discard(filework.part_of(path))
        if action.do == "move" and action.source:
            filework.discard(filework.part_of(Path(action.source)))


def remove(journal: Journal) -> None:
    """The journal, and the target where it was made for this and is empty."""
    journal.remove()
    for folder in _made(journal):
        with suppress(OSError):
            folder.rmdir()


def _made(journal: Journal) -> Iterator[Path]:
    """The target and the folders around it that were made for it, innermost first."""
    root = journal.root
    if root is None:
        return
    made = {Path(text) for text in journal.head.made}
    if made:
        yield root
    yield from (folder for folder in root.parents if folder in made)
