"""What an export is about to do, line by line, on the disk before it is done: by it everything can be put back.

FOLDER/journal.jsonl begins with {"journal": 1, "id", "key", "format", "how", "run", "revision", "target", "made"};
then a line an action: {"do": "folder"|"copy"|"hardlink"|"symlink"|"move"|"write"|"replace", "to", ...}. A line that a
kill cut off is one whose action was not begun. Whether an action was done is not written: the files tell.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from filelock import FileLock, Timeout

from ictc.errors import RunBusy, RunError
from ictc.files import write_atomic
from ictc.revision import path_to_text, text_to_path

FOLDER = ".ictc-export"
_DO = {"folder", "copy", "hardlink", "symlink", "move", "write", "replace"}
_FILE, _LOCK, _VERSION = "journal.jsonl", ".lock", 1


@dataclass(frozen=True, slots=True)
class Head:
    """Whose journal it is. `key` says what was asked, `id` tells it from all others; `made`: the folders made for the
    target, outermost first. `target` is "" where the files lie beside the images."""

    id: str
    key: str
    format: str
    how: str
    run: str
    revision: str
    target: str
    made: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """One line. `sha256` is of what `to` is to hold; `before` is the text that a `replace` replaced, of the time
    `mtime_ns`."""

    do: str
    to: str
    source: str = ""
    sha256: str = ""
    before: str | None = None
    mtime_ns: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {k: v for k, v in asdict(self).items() if v not in ("", None)}


@dataclass(slots=True)
class Journal:
    """The journal in a folder. `actions` are those that stood there when it was read."""

    folder: Path
    head: Head
    actions: list[Action] = field(default_factory=list)

    @property
    def root(self) -> Path | None:
        """What relative paths are relative to: where the journal lies now, not where it was made."""
        return self.folder.parent if self.head.target else None

    def path(self, to: str) -> Path:
        """Where `to` is.

        Raises:
            RunError: it leads out of the target.
        """
        if self.root is None:
            return text_to_path(to) or Path(to)
        parts = PurePosixPath(to).parts
        if not parts or PurePosixPath(to).is_absolute() or ".." in parts or "\0" in to or Path(*parts).drive:
            raise RunError(f"{self.folder / _FILE} is not as ictc writes it: {to!r} leads out of {self.root}.")
        return self.root.joinpath(*parts)

    def text(self, path: Path) -> str:
        """The reverse of `path`."""
        return path.relative_to(self.root).as_posix() if self.root else path_to_text(path) or ""

    def add(self, actions: Iterable[Action]) -> None:
        """Write the lines; they are on the disk when this returns."""
        lines = "".join(json.dumps(a.to_json()) + "\n" for a in actions)
        if not lines:
            return
        with (self.folder / _FILE).open("ab") as file:
            file.write(lines.encode())
            file.flush()
            os.fsync(file.fileno())

    def remove(self) -> None:
        """The journal and its folder are gone, whatever of them was still there."""
        for name in (f".{_FILE}.part", _LOCK, _FILE):
            (self.folder / name).unlink(missing_ok=True)
        self.folder.rmdir()


def exists(folder: Path) -> bool:
    """Whether there is a journal in the folder."""
    return (folder / _FILE).is_file() and not folder.is_symlink()


def start(folder: Path, head: Head) -> Journal:
    """A new journal."""
    write_atomic(folder / _FILE, json.dumps({"journal": _VERSION, **asdict(head)}) + "\n")
    return Journal(folder, head)


def read(folder: Path) -> Journal:
    """The journal that is there; a line that was cut off is cut away.

    Raises:
        RunError: it is not as ictc writes it, or of a newer version.
    """
    file = folder / _FILE
    try:
        data = file.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            os.truncate(file, len(whole))
        rows = [json.loads(line) for line in whole.splitlines()]
        head = dict(rows[0])
        if int(head.pop("journal")) > _VERSION:
            raise RunError(f"{file} was written by a newer ictc.", "Use that one, or a newer one.")
        journal = Journal(folder, Head(**head), [Action(**row) for row in rows[1:]])
        for action in journal.actions:
            journal.path(action.to)
            if action.do not in _DO:
                raise ValueError(f"nobody knows how to undo {action.do!r}")
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as e:
        raise RunError(f"{file} is not as ictc writes it: {e}.", "Nothing was changed.") from e
    return journal


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Only one process at a time exports to a target or undoes it; freed by the system when a process dies."""
    lock = FileLock(folder / _LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise RunBusy(f"Another ictc process is working on {folder.parent}.", "Wait for it.") from None
    try:
        yield
    finally:
        lock.release()


def digests(actions: Iterable[Action]) -> Mapping[str, set[str]]:
    """By `to`, all contents that were written there."""
    found: dict[str, set[str]] = {}
    for action in actions:
        found.setdefault(action.to, set()).add(action.sha256)
    return found
