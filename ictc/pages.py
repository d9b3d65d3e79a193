"""The page of a run: every finished revision, read one after another, so that only one is in memory at a time."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ictc.behind import provenance, truth_of, vectors_if_there
from ictc.errors import IctcError
from ictc.files import write_atomic
from ictc.images.small import thumbnail_files
from ictc.images.thumbnails import thumbnails
from ictc.interfaces import Tick, Vectors
from ictc.job import Done, means_of
from ictc.progress import Watch, unwatched
from ictc.report import Beside, Book, Chapter, Images, Within, mapped, render_page, shown_images, tiles
from ictc.report.build import PICTURES
from ictc.report.data import path_key
from ictc.report.map import layout
from ictc.report.thumbnails import read
from ictc.report.update_view import UpdateView, update_view
from ictc.result import Result
from ictc.revision import CORRECTIONS, RESULT_FILES, Revision
from ictc.runfolder import RunFolder
from ictc.steering.corrections import Move
from ictc.steering.kept import standing
from ictc.store import Store, content_key
from ictc.types import Item
from ictc.updating.job import UPDATE

ALONE = 2000
"""Images up to which the page is one file; of more, small pictures and texts lie in `FOLDER` beside it."""

PAGE, FOLDER, DATA = "report.html", "report_files", "data"

_EDGES = ((PICTURES, 256), (ALONE, 176))
"""Pixels of the longer side of a picture in a page of so many images: some 10 kB each, and 5."""

_SMALL = 160
_PICTURED = PICTURES // 2  # of them within a page that has a folder
_KEY = re.compile(rb'<meta name="ictc" content="(\w+)">')


class Known:
    """What was made for a page, kept for the next of the same run: only what is new is made then."""

    def __init__(self) -> None:
        self.chapters: Mapping[str, Chapter] = {}
        self.pieces: Mapping[str, str] = {}
        self.vectors_of = _Remembering()
        self._images = Images()
        self._images_of: list[str] = []

    def images(self, revisions: Sequence[Revision]) -> Images:
        """The images of all of them, with the numbers that the page has for them."""
        digests = groupby(revisions, lambda r: r.digest_of("images.jsonl", "failures.jsonl"))
        distinct = [(digest, next(same)) for digest, same in digests]
        if self._images_of != [digest for digest, _ in distinct]:
            self._images = Images()
            for _, revision in distinct:
                self._images.add(revision.items()[0], revision.failures())
            self._images_of = [digest for digest, _ in distinct]
        return self._images


def write_page(done: Done, watch: Watch = unwatched, *, anew: bool = True) -> Path:
    """Write RUN/report.html, opening with the revision of `done`; not `anew`, only where it shows something else."""
    return renew_page(done.folder, done.revision, watch, anew=anew, known=Known())


def renew_page(folder: RunFolder, revision: Revision, watch: Watch, *, anew: bool, known: Known) -> Path:
    """As `write_page`; of what is `known`, nothing is made again."""
    file = folder.path / PAGE
    revisions = shown_revisions(folder, revision)
    key = _made_of(revisions, revision)
    if not anew and _key_of(file) == key:
        return file  # without the lock: also where the folder cannot be written
    with folder.locked():
        images = known.images(revisions)
        with watch("report", len(images)) as tick, folder.open_store() as store:
            job = _Job(folder, revision, revisions, images, key, store, tick, known)
            (_alone if len(images) <= ALONE else _with_folder)(job, file)
    return file


@dataclass(frozen=True)
class _Job:
    folder: RunFolder
    revision: Revision
    revisions: Sequence[Revision]
    images: Images
    key: str
    store: Store
    tick: Tick
    known: Known

    @property
    def current(self) -> int:
        return [r.id for r in self.revisions].index(self.revision.id)


def _alone(job: _Job, file: Path) -> None:
    """The page as one file."""
    edge = next(edge for most, edge in _EDGES if len(job.images) <= most)
    jpegs = _remembered(job.store, job.images.items, edge)
    job.tick(len(job.images))
    known = {i: t for i, item in enumerate(job.images.items) if (t := read(jpegs.get(item.name), edge))}
    letters = ("0" if i not in known else "2" if known[i].pixels else "1" for i in range(len(job.images)))
    pieces = Within(job.known.pieces)
    book = Book(job.images, pieces, tiles(len(job.revisions)), job.known.chapters)
    book.list_images("".join(letters))
    _fill(book, job, lambda result: jpegs)
    job.known.pieces = pieces.data
    write_atomic(file, render_page(book.page(job.current, job.key, pieces.data, known)))


def _with_folder(job: _Job, file: Path) -> None:
    """The page and the folder beside it. The page of before keeps its pieces until it is replaced."""
    folder = file.with_name(FOLDER)
    small = f"pictures-{_SMALL}"
    there = thumbnail_files(job.images.items, folder / small, path_key, _SMALL, job.tick)
    pieces = Beside(folder / DATA)
    kept = [item.sha256 in there for item in job.images.items]
    keys = (item.sha256[:18] if one else "0" * 18 for item, one in zip(job.images.items, kept, strict=True))
    book = Book(job.images, pieces, tiles(len(job.revisions), _PICTURED), job.known.chapters)
    book.list_images("".join("01"[one] for one in kept), "".join(keys))

    def shown(result: Result) -> Mapping[str, bytes]:
        wanted = set(shown_images(result, book.most))
        return _remembered(job.store, [i for i in result.items if i.name in wanted], _EDGES[0][1])

    _fill(book, job, shown)
    page = book.page(job.current, job.key, folder=FOLDER, pictures=small, pieces=DATA)
    write_atomic(file, render_page(page))
    pieces.drop_others()


def _fill(book: Book, job: _Job, pictures: Callable[[Result], Mapping[str, bytes]]) -> None:
    names = hashlib.sha256("\n".join(i.name for i in job.images.items).encode("utf-8", "surrogateescape"))
    key = content_key("chapters/1", images=names.hexdigest(), most=book.most)
    for revision in job.revisions:
        key = content_key("chapter/1", after=key, of=_told_of(job.folder, revision))
        described = revision.digest_of("images.jsonl", "step1_result.jsonl")
        if book.again(key, described, revision.result):
            continue
        one = Done(revision.result(), job.folder, revision, reused=True)
        metrics = revision.metrics()
        vectors, why = job.known.vectors_of(one, described)
        book.add(
            one.result,
            provenance(one),
            scores=metrics,
            truth=_classes(one.result, metrics),
            vectors=vectors,
            thumbnails=pictures(one.result),
            warnings=[*([why] if why else []), *one.notes, *(f.line() for f in one.findings)],
            corrected=_corrected(revision),
            update=_update(revision),
            described=described,
            draw=partial(_drawn, job.store),
            key=key,
        )
    job.known.chapters = book.chapters


def _told_of(folder: RunFolder, revision: Revision) -> list[Any]:
    """All that a chapter is made of, beside the chapters before it."""
    entry = {k: v for k, v in folder.entry(revision.id).items() if k not in ("status", "accepted")}
    return [entry, revision.digest_of("images.jsonl", *RESULT_FILES, "metrics.json", CORRECTIONS, UPDATE)]


class _Remembering:
    """The vectors for the map of one revision after another: those of corrections are the same again."""

    def __init__(self) -> None:
        self._of: tuple[object, ...] = ()
        self._vectors: tuple[Vectors | None, str] = None, ""

    def __call__(self, done: Done, described: str) -> tuple[Vectors | None, str]:
        rows = mapped(done.result).tolist()
        images = [done.result.assignments[i].image for i in rows]
        of = (described, done.result.criterion, means_of(done.folder.settings(done.revision.id)), images)
        if of != self._of:
            self._of, self._vectors = of, vectors_if_there(done, rows)
        return self._vectors


def shown_revisions(folder: RunFolder, asked: Revision) -> list[Revision]:
    """The revisions that are done and can be read, and the one that is asked for, oldest first."""
    done = [i for i in folder.revision_ids if i == asked.id or folder.entry(i).get("status") == "done"]
    found = [folder.revision(i) for i in done]
    return [r for r in found if r.id == asked.id or all(map(r.has, ("images.jsonl", *RESULT_FILES)))]


def _made_of(revisions: Sequence[Revision], current: Revision) -> str:
    """One digest of all that the page shows."""
    files = ("DONE", "images.jsonl", "step3_result.jsonl", "metrics.json", CORRECTIONS, UPDATE)
    parts = [version("ictc"), current.id, *(f"{r.id} {r.digest_of(*files)}" for r in revisions)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _key_of(file: Path) -> str:
    """What a page was made of, "" where there is none."""
    try:
        with file.open("rb") as page:
            found = _KEY.search(page.read(4096))
    except OSError:
        return ""
    return found[1].decode() if found else ""


def _remembered(store: Store, items: Sequence[Item], edge: int) -> dict[str, bytes]:
    """The thumbnails of images by name; those of known content are in the store."""
    keys = {i.name: content_key("thumbnail/1", of=i.sha256, edge=edge) for i in items if i.sha256 and i.path}
    known = store.get_many(list(dict.fromkeys(keys.values())))
    missing = [i for i in items if i.path and keys.get(i.name) not in known]
    made = thumbnails(missing, edge)
    store.put_many({keys[name]: jpeg for name, jpeg in made.items() if name in keys})
    return made | {name: known[key] for name, key in keys.items() if key in known}


def _drawn(store: Store, vectors: Vectors) -> NDArray[np.float64] | None:
    """The map of these vectors, laid out once."""
    key = content_key("map/1", vectors=hashlib.sha256(np.ascontiguousarray(vectors).tobytes()).hexdigest())
    if found := store.get_many([key]):
        return np.frombuffer(found[key], "<f8").reshape(-1, 2)
    xy = layout(vectors)
    if xy is not None:
        store.put_many({key: xy.astype("<f8").tobytes()})
    return xy


def _corrected(revision: Revision) -> set[str]:
    """The images that a person moved."""
    moves = (c for c in standing(revision.corrections()) if isinstance(c, Move))
    return {image for move in moves for image in move.images}


def _update(revision: Revision) -> UpdateView | None:
    """What the update found that made it; None where there was none, or its file is not as ictc wrote it."""
    try:
        return update_view(json.loads((revision.path / UPDATE).read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _classes(result: Result, metrics: Mapping[str, Any] | None) -> Mapping[str, str] | None:
    """The truth again, to mark images with it; None where its file is gone (the scores stay)."""
    try:
        return truth_of(result, metrics["truth"]).classes if metrics else None
    except IctcError:
        return None
