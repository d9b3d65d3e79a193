"""`ictc undo`: which export is meant, whether it may be undone, and what the run is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ictc.errors import UsageError
from ictc.exporting import journal, known, target
from ictc.exporting.journal import FOLDER, Journal
from ictc.exporting.undoing import Undone, remove, undo
from ictc.progress import Watch, unwatched
from ictc.revision import text_to_path
from ictc.runfolder import RunFolder
from ictc.text import command_line

_GONE = "An export is gone, and was passed over: {}. Where it lies elsewhere by now: ictc undo FOLDER"


@dataclass(frozen=True, slots=True)
class PutBack:
    """What was undone. `journal` None: there was nothing to undo, and `nothing` says why."""

    journal: Journal | None
    undone: Undone
    notes: Sequence[str] = ()
    nothing: str = ""

    def to_json(self) -> dict[str, Any]:
        head = self.journal.head if self.journal else None
        return {
            "format": head.format if head else None,
            "target": head.target or None if head else None,
            "moved_back": len(self.undone.moved),
            "removed": self.undone.removed,
            "restored": self.undone.restored,
            "kept_folders": self.undone.kept,
            **({"nothing": self.nothing} if self.nothing else {}),
            "failures": [{"file": f.image, "code": f.code, "message": f.message} for f in self.undone.failures],
            **({"notes": list(self.notes)} if self.notes else {}),
        }


def put_back(path: Path, watch: Watch = unwatched, *, trusted: bool = False) -> PutBack:
    """Undo the export that lies at `path`, or the last one of the run `path`.

    A journal says where files go. One that its run does not know may come from somebody else: where it would write out
    of its own folder it is only followed if `trusted`.

    Raises:
        UsageError: there is no export, or a journal that is not trusted.
    """
    where = target.checked(path, folder=True)
    folder, gone = where / FOLDER, list[str]()
    if not journal.exists(folder):
        if not (where / "run.json").is_file():
            if folder.is_dir() and not any(folder.iterdir()):  # an undo was killed just before its end
                folder.rmdir()
                return PutBack(None, Undone(), nothing=f"the export in {path} was undone already.")
            which = path if where.is_dir() else f"{path} is not there: it"
            raise UsageError(
                f"{which} holds no export that could be undone. If it was the target of one, that was undone already.",
                f"Give the target of an export, or its run: {command_line('undo', 'RUN')} undoes the last one left.",
            )
        RunFolder(where)
        found, gone = known.last(where)
        notes = [
            f"An export is gone, and was passed over: {one}. Moved elsewhere? ictc undo ITS_FOLDER" for one in gone
        ]
        if found is None:
            return PutBack(None, Undone(), notes, known.none_left(where))
        folder = found
    with journal.locked(folder):
        book = journal.read(folder)
        run = text_to_path(book.head.run or None)
        ours = run is not None and (run / "run.json").is_file() and known.knows(run, book)
        if not ours and not trusted:
            _check_harmless(book, path)
        with watch("undo", len(book.actions)) as tick:
            undone = undo(book, tick)
        notes = [_GONE.format(one) for one in gone]
        if ours and run is not None:
            notes += filter(None, [known.repath(run, undone.moved)])  # while the journal still tells what was moved
            if not undone.failures:
                known.forget(run, book)
        if not undone.failures:
            remove(book)
    return PutBack(book, undone, notes)


def _check_harmless(book: Journal, path: Path) -> None:
    """Raises UsageError: it would write or delete files outside its folder."""
    outside = [a.source or a.to for a in book.actions if a.do == "move" or book.root is None]
    if outside:
        raise UsageError(
            f"The run that made this export, {book.head.run}, is gone or does not know it. Undoing it would put files "
            f"to {len(outside)} places outside its folder, such as {outside[0]}.",
            f"If it is yours: {command_line('undo', str(path), '--yes')}",
        )
