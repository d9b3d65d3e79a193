"""One export from start to end: what it would do, and doing it."""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ictc.errors import InputError, RunError, StorageFull, UsageError
from ictc.exporting import doing, filework, journal, known, target
from ictc.exporting.formats import FORMATS
from ictc.exporting.journal import FOLDER, Head, Journal
from ictc.exporting.plan import HOWS, Format, How, Place, Subject, source_of
from ictc.exporting.rows import ASIDE, Row, Status, rows_of
from ictc.interfaces import no_tick
from ictc.job import Done
from ictc.progress import Watch, unwatched
from ictc.revision import RESULT_FILES, path_to_text
from ictc.store import content_key
from ictc.text import command_line
from ictc.types import Failure


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks for. `target` None: beside the run, called after it. `beside`: sidecars beside the images."""

    format: str
    target: Path | None = None
    how: How = "copy"
    leave_out: Sequence[Status] = ()
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """An export that was looked at. `todo`: images that will go; `there`: how many did; `failures`: what cannot."""

    done: Done
    asked: Asked
    format: Format
    subject: Subject
    target: Path
    places: Sequence[Place]
    todo: Sequence[Place]
    there: int
    failures: Sequence[Failure]

    @property
    def home(self) -> Path:
        """Where the journal lies."""
        if self.asked.beside:
            return self.done.folder.path.absolute() / "exports" / f"{self.done.revision.id}-{self.asked.format}"
        return self.target / FOLDER

    @property
    def key(self) -> str:
        """What was asked, by content: the same again goes on where it stopped."""
        result = self.done.revision.digest_of(*RESULT_FILES)
        how = self.asked.how if self.format.takes_images else ""
        left = sorted(self.asked.leave_out)
        return content_key("export/1", format=self.asked.format, how=how, left=left, result=result)

    def folders(self) -> dict[str, int]:
        """Images per folder of the target."""
        return dict(Counter(place.to.rpartition("/")[0] for place in self.places))

    def to_json(self) -> dict[str, Any]:
        """What would be done."""
        actions = [{"image": p.row.image, "from": str(source_of(p)), "to": p.to} for p in self.todo]
        return {
            **_told(self),
            "how": self.asked.how,
            "images": len(self.todo),
            "there": self.there,
            "folders": self.folders(),
            "actions": actions,
            "failures": _failures(self.failures),
        }


@dataclass(frozen=True, slots=True)
class Exported:
    """What was done. `images` lie in the target, of which `there` did before; `written`: other files."""

    prepared: Prepared
    images: int
    there: int
    written: int
    failures: Sequence[Failure] = ()
    notes: Sequence[str] = field(default=())

    @property
    def wanted(self) -> int:
        """Images and files that should be there."""
        return self.images + self.written + len(self.failures)

    def to_json(self) -> dict[str, Any]:
        return {
            **_told(self.prepared),
            "images": self.images,
            "there": self.there,
            "written": self.written,
            "folders": self.prepared.folders(),
            "failures": _failures(self.failures),
            **({"notes": list(self.notes)} if self.notes else {}),
        }


def prepare(done: Done, asked: Asked) -> Prepared:
    """Look at everything and change nothing.

    Raises:
        UsageError: the format, the options or the target cannot be used. InputError: there are no image files.
    """
    made = _format_of(asked)
    result = done.result
    rows = [row for row in rows_of(result) if row.status not in asked.leave_out]
    clusters = {c.name: c.group for c in result.taxonomy.clusters}
    subject = Subject(result.criterion, clusters, rows, asked.beside)
    where = target.checked(asked.target or _default(done, asked.format, made.extension), folder=not made.extension)
    places: list[Place] = []
    if made.takes_images:
        places = made.places(subject)
        if not places:
            raise InputError(
                "There are no image files to export: the run has none, or they were left out.",
                f"Tables need none: {command_line('export', str(done.folder.path), '--to', 'csv')}",
            )
        target.check_apart(where, done.folder.path, _image_folders(done, rows), moved=asked.how == "move")
    if not made.extension and not asked.beside:
        target.check_free(where)
    prepared = Prepared(done, asked, made, subject, where, places, (), 0, ())
    before = _journal(prepared)
    ours = journal.digests(before.actions) if before else {}
    looked = [doing.look(place, where / place.to, asked.how, ours) for place in places]
    todo = [place for place, found in zip(places, looked, strict=True) if found == "do"]
    failures = [found for found in looked if isinstance(found, Failure)]
    return Prepared(done, asked, made, subject, where, places, todo, looked.count("there"), failures)


def carry_out(prepared: Prepared, watch: Watch = unwatched) -> Exported:
    """Do it. The same again goes on where this was stopped, and does nothing where all is done.

    Raises:
        StorageFull: the disk is full; what is there stays, and the same command goes on.
    """
    if prepared.format.extension:
        return _one_file(prepared)
    how, places = prepared.asked.how, prepared.places
    notes: list[str] = []
    with _begun(prepared, notes) as book:
        placed = doing.Carried()
        try:
            if places:
                with watch("export", len(places)) as tick:
                    placed = doing.place_all(book, places, how, tick)
        finally:
            if how == "move":
                now = ((source_of(place), book.path(place.to)) for place in places)
                moved = {old: new for old, new in now if new.exists() and not os.path.lexists(old)}
                notes += filter(None, [known.repath(prepared.done.folder.path, moved)])
        files = prepared.format.files(prepared.subject, placed.placed)
        if prepared.format.takes_images:
            written = doing.write_all(book, files, no_tick)
        else:
            with watch("export", len(prepared.subject.rows)) as tick:
                written = doing.write_all(book, files, tick)
    failures = [*placed.failures, *written.failures]
    there = placed.there + written.there
    return Exported(prepared, len(placed.placed), there, written.written + written.there, failures, notes)


def _one_file(prepared: Prepared) -> Exported:
    """Whole or not at all, and never in the place of another file."""
    (file,) = prepared.format.files(prepared.subject, ())
    if isinstance(file, Failure):
        raise AssertionError(file)
    path = prepared.target
    if os.path.lexists(path):
        if filework.holds(path, filework.digest_of(file.write)):
            return Exported(prepared, 0, 1, 1)
        raise UsageError(f"{path} is there and holds something else; nothing is overwritten.", "Give -o FILE.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        filework.write(path, file.write)
    except OSError as e:
        if e.errno in filework.FULL:
            raise StorageFull(f"The disk that holds {path.parent} is full.", "Free some space; do it again.") from e
        raise RunError(f"{path} cannot be written: {e.strerror or e}.", "Give another file with -o.") from e
    return Exported(prepared, 0, 0, 1)


@contextmanager
def _begun(prepared: Prepared, notes: list[str]) -> Iterator[Journal]:
    """The journal, new or gone on with, for as long as the export lasts; nobody else works on the target meanwhile."""
    home, run = prepared.home, prepared.done.folder.path.absolute()
    missing = [folder for folder in (home.parent, *home.parent.parents) if not folder.exists()]
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise RunError(f"{home.parent} cannot be made: {e.strerror or e}.", "Give another target with -o.") from e
    with journal.locked(home):
        book = _journal(prepared)
        if book is None:
            asked = prepared.asked
            head = Head(
                id=secrets.token_hex(16),
                key=prepared.key,
                format=asked.format,
                how=asked.how if prepared.format.takes_images else "",
                run=path_to_text(run) or "",
                revision=prepared.done.revision.id,
                target="" if asked.beside else path_to_text(prepared.target) or "",
                made=[path_to_text(folder) or "" for folder in reversed(missing)],
            )
            book = journal.start(home, head)
        try:
            if not known.knows(run, book):
                known.note(run, book)
        except OSError as e:
            notes.append(f"The run cannot remember this export ({e.strerror or e}); undo it by its folder.")
        yield book


def _journal(prepared: Prepared) -> Journal | None:
    """That of the same export, begun before.

    Raises:
        UsageError: the target holds another export.
    """
    if prepared.format.extension or not journal.exists(prepared.home):
        return None
    book = journal.read(prepared.home)
    if book.head.key != prepared.key:
        told = f"{book.head.format} of revision {book.head.revision}" + (f", {book.head.how}" if book.head.how else "")
        undo = command_line("undo", str(prepared.done.folder.path if prepared.asked.beside else prepared.target))
        raise UsageError(
            f"{book.folder.parent} holds another export ({told}), or one of an earlier result.",
            f"Give another target with -o, or undo that one: {undo}",
        )
    return book


def _format_of(asked: Asked) -> Format:
    made = FORMATS.get(asked.format)
    if made is None:
        raise UsageError(f"--to {asked.format}: there is no such format.", f"There are: {', '.join(FORMATS)}.")
    if asked.how not in HOWS:
        raise UsageError(f"--how {asked.how}: there is no such way.", f"There are: {', '.join(HOWS)}.")
    if strange := set(asked.leave_out) - set(ASIDE):
        raise UsageError(f"--leave-out {min(strange)}: there is no such kind.", f"There are: {', '.join(ASIDE)}.")
    if asked.how != "copy" and not made.takes_images:
        raise UsageError(f"--to {asked.format} puts no images anywhere.", f"Leave --how {asked.how} away.")
    if asked.beside and asked.format != "xmp":
        raise UsageError(f"--beside is for --to xmp, not for {asked.format}.", "Leave it away.")
    if asked.beside and asked.target is not None:
        raise UsageError("--beside puts the files beside the images; it takes no target.", "Leave -o away.")
    return made


def _default(done: Done, name: str, extension: str) -> Path:
    """Beside the run: `photos` has `photos-001.csv`, `photos-001-folders`."""
    run = Path(os.path.normpath(done.folder.path.absolute()))
    return run.with_name(f"{run.name}-{done.revision.id}{extension or f'-{name}'}")


def _image_folders(done: Done, rows: Sequence[Row]) -> set[Path]:
    given = Path(done.folder.settings(done.revision.id).images)
    return {row.path.parent for row in rows if row.path} | ({given} if given.is_dir() else set())


def _told(prepared: Prepared) -> dict[str, Any]:
    run, revision = str(prepared.done.folder.path), prepared.done.revision.id
    where = None if prepared.asked.beside else str(prepared.target)
    return {"run": run, "revision": revision, "format": prepared.asked.format, "target": where}


def _failures(failures: Sequence[Failure]) -> list[dict[str, str]]:
    return [{"image": f.image, "code": f.code, "message": f.message} for f in failures]
