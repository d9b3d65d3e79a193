"""Carrying a plan out: look, write the journal, then act; a chunk at a time, so that one sync serves many actions.

Done again after a kill or a full disk it goes on: what is already there and what it should be is passed over.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar

from ictc.errors import RunError, StorageFull, UsageError
from ictc.exporting import filework
from ictc.exporting.journal import Action, Journal, digests
from ictc.exporting.plan import How, NewFile, Place, source_of
from ictc.images.files import ImageFault
from ictc.interfaces import Tick
from ictc.revision import path_to_text
from ictc.types import Failure

_CHUNK = 256
T = TypeVar("T")


@dataclass(slots=True)
class Carried:
    """What came of it. `placed`: all images that lie where they should, of which `there` did before."""

    placed: list[Place] = field(default_factory=list)
    there: int = 0
    written: int = 0
    failures: list[Failure] = field(default_factory=list)


def look(place: Place, to: Path, how: How, ours: Mapping[str, set[str]]) -> Literal["do", "there"] | Failure:
    """What is to be done for one image, from what lies on the disk. `ours`: what the journal says was put where."""
    source = source_of(place)
    if source == to:
        return "there"
    began = place.to in ours
    if os.path.lexists(to):
        if how != "move" and _is_done(place, to, how):
            return "there"
        if how == "move" and filework.holds(to, place.row.sha256):
            if not os.path.lexists(source):
                return "there"
            if began:  # killed between the two names of one file, or the two copies
                return "do"
        if began and filework.is_regular(to) and not to.stat().st_size:  # an empty file held the place
            return "do"
        return _failed(place, "exists", f"{place.to} is there and is something else; nothing is overwritten.")
    if how == "move" and source.is_symlink():
        return _failed(place, "symlink", "A symbolic link is not moved, it would lead nowhere. Use --how copy.")
    if not source.is_file():
        return _failed(place, "missing-file", f"{path_to_text(source)} is not there any more.")
    return "do"


def place_all(journal: Journal, places: Iterable[Place], how: How, tick: Tick) -> Carried:
    """Put the images in their places.

    Raises:
        StorageFull, or UsageError: hard links were asked for across two file systems.
    """
    carried, ours, folders = Carried(), digests(journal.actions), set[Path]()
    for chunk in _chunks(places):
        todo = []
        for place in chunk:
            found = look(place, journal.path(place.to), how, ours)
            if isinstance(found, Failure):
                carried.failures.append(found)
            elif found == "there":
                carried.placed.append(place)
                carried.there += 1
                _tidy(journal, place.to, ours)
            else:
                todo.append(place)
        with _space(journal):
            actions = [Action(how, p.to, path_to_text(p.row.path) or "", p.row.sha256) for p in todo]
            _announce(journal, actions, folders)
            for place in todo:
                failure = _attempt(place.row.image, lambda p=place: _place(p, journal.path(p.to), how))  # type: ignore[misc]
                if failure:
                    carried.failures.append(failure)
                else:
                    carried.placed.append(place)
        tick(len(chunk))
    return carried


def write_all(journal: Journal, files: Iterable[NewFile | Failure], tick: Tick) -> Carried:
    """Write the files; those that could not even be planned are failures of the same kind."""
    carried, ours, folders = Carried(), digests(journal.actions), set[Path]()
    for chunk in _chunks(files):
        todo: list[tuple[NewFile, bool, Action]] = []
        for file in chunk:
            if isinstance(file, Failure):
                carried.failures.append(file)
                continue
            path, digest = journal.path(file.to), filework.digest_of(file.write)
            if filework.holds(path, digest):
                carried.there += 1
                _tidy(journal, file.to, ours)
            elif file.before is not None:
                before = file.before.decode()
                todo.append((file, True, Action("replace", file.to, "", digest, before, path.stat().st_mtime_ns)))
            elif not os.path.lexists(path) or _is_ours(path, ours.get(file.to, set())):
                todo.append((file, os.path.lexists(path), Action("write", file.to, sha256=digest)))
            else:
                message = f"{file.to} is there and is something else; nothing is overwritten."
                carried.failures.append(Failure(file.to, "image", "exists", message))
        with _space(journal):
            _announce(journal, [action for *_, action in todo], folders)
            for file, replace, _ in todo:
                failure = _attempt(
                    file.to,
                    lambda f=file, r=replace: filework.write(journal.path(f.to), f.write, replace=r),  # type: ignore[misc]
                )
                if failure:
                    carried.failures.append(failure)
                else:
                    carried.written += 1
        tick(len(chunk))
    return carried


def _tidy(journal: Journal, to: str, ours: Mapping[str, set[str]]) -> None:
    """Away with what a kill left half-written, or under two names."""
    if to in ours:
        with suppress(OSError):
            filework.discard(filework.part_of(journal.path(to)))


def _announce(journal: Journal, actions: Sequence[Action], known: set[Path]) -> None:
    """Journal what will be done, and make the folders for it."""
    new = list(_new_folders(journal, actions, known)) if journal.root else []
    journal.add([*(Action("folder", journal.text(folder)) for folder in new), *actions])
    for folder in new:
        folder.mkdir(exist_ok=True)


def _new_folders(journal: Journal, actions: Sequence[Action], known: set[Path]) -> Iterator[Path]:
    """The folders that are missing, outermost first.

    Raises:
        RunError: a link or a file is in the place of one.
    """
    root = journal.root
    for action in actions:
        parents = journal.path(action.to).parents
        for folder in reversed([p for p in parents if root and p != root and p.is_relative_to(root)]):
            if folder in known:
                continue
            known.add(folder)
            if folder.is_symlink() or (os.path.lexists(folder) and not folder.is_dir()):
                raise RunError(f"{folder} is not a folder; nothing is written through it.", "Remove it.")
            if not folder.exists():
                yield folder


def _place(place: Place, to: Path, how: How) -> None:
    source, sha256 = source_of(place), place.row.sha256
    if how == "move" and filework.same_file(source, to):
        source.unlink()
        return
    if os.path.lexists(to):  # ours, as `look` found: empty, or a copy that was made just before a kill
        filework.discard(filework.part_of(to))
        if to.stat().st_size and filework.sha256_of(source) == sha256:
            source.unlink()
            return
        to.unlink()
    if how == "copy":
        filework.copy(source, to, sha256)
    elif how == "move":
        filework.move(source, to, sha256)
    elif filework.sha256_of(source) != sha256:
        raise filework.Changed
    elif how == "symlink":
        to.symlink_to(source)
    else:
        _hard_link(source, to)


def _hard_link(source: Path, to: Path) -> None:
    try:
        os.link(source.resolve(), to)
    except FileExistsError:
        raise
    except OSError as e:
        if e.errno == errno.EXDEV or e.errno in filework.NO_LINKS:
            raise UsageError(
                f"{to} cannot be a hard link of {source}: {e.strerror} (one file system is needed, that knows them).",
                "Use --how copy or --how symlink with the same target; what is there already stays.",
            ) from e
        raise


def _is_done(place: Place, to: Path, how: How) -> bool:
    source = source_of(place)
    if how == "symlink":
        return to.is_symlink() and to.readlink() == source
    if how == "hardlink":
        return filework.same_file(source.resolve(), to)
    return filework.holds(to, place.row.sha256)


def _is_ours(path: Path, contents: set[str]) -> bool:
    return bool(contents) and filework.is_regular(path) and any(filework.holds(path, sha256) for sha256 in contents)


def _attempt(name: str, act: Callable[[], None]) -> Failure | None:
    """Do it; a fault of this one item is a value."""
    try:
        act()
    except filework.Changed:
        return Failure(name, "image", "changed", "The file changed since the run looked at it; run it again.")
    except FileExistsError:
        return Failure(name, "image", "exists", "Something else is in its place by now; nothing is overwritten.")
    except ImageFault as fault:
        return fault.failure(name)
    except OSError as e:
        if e.errno in filework.FULL:
            raise
        return Failure(name, "image", "unwritable", f"{e.strerror or e}.")
    return None


def _failed(place: Place, code: str, message: str) -> Failure:
    return Failure(place.row.image, "image", code, message)


@contextmanager
def _space(journal: Journal) -> Iterator[None]:
    try:
        yield
    except OSError as e:
        if e.errno not in filework.FULL:
            raise RunError(f"{journal.root or journal.folder} cannot be written: {e.strerror or e}.") from e
        raise StorageFull(
            f"The disk that holds {journal.root or 'the images'} is full.",
            "Free some space and run the same command again: it goes on. Or put everything back with ictc undo.",
        ) from e


def _chunks(things: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(things)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
