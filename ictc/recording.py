"""What run.json says of a revision while it is made: status, seconds, versions, what was spent, notes."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ictc.diagnosis import mean_the_same, near_names
from ictc.interfaces import Describer, Embedder, Noted, Reasoner, Tick, Trained
from ictc.lane.describer import worded
from ictc.means import OFFLINE
from ictc.models.trained import seen_by
from ictc.outlying import outliers_of, without
from ictc.progress import Watch
from ictc.reasoners.cascade.bargain import bargain_of
from ictc.revision import TAXONOMY, Revision
from ictc.runfolder import RunFolder
from ictc.spending.meter import Meter, added
from ictc.spending.totals import since
from ictc.types import Item

TRAINED_ON = "trained_on"
"""In run.json, beside the notes, and in the scores: how many of the images the embedder or describer was trained on
here (`images`), and the `remark` on that."""
_VERSIONED = ("ictc", "torch", "transformers", "openai", "vllm", "numpy", "scikit-learn", "pillow")


@dataclass(slots=True)
class Timed:
    """A watch around a watch, that keeps the seconds of each stage."""

    watch: Watch
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, stage: str, total: int) -> Iterator[Tick]:
        start = time.perf_counter()
        with self.watch(stage, total) as tick:
            yield tick
        self.seconds[stage] = round(time.perf_counter() - start, 3)


@contextmanager
def recording(folder: RunFolder, revision: Revision, watch: Watch, meter: Meter) -> Iterator[Timed]:
    """Keeps run.json true: started before; counts, seconds and versions after; what was spent in any case."""
    revision.start()
    folder.note(revision, status="started", versions=versions())
    timed = Timed(watch)
    spent, start = folder.entry(revision.id).get("spent"), meter.to_json()
    try:
        yield timed
    finally:
        usage = since(meter.to_json(), start)
        if usage["requests"] or usage["failed"]:
            folder.note(revision, spent=added(spent, usage))
    seconds = {**folder.entry(revision.id).get("seconds", {}), **timed.seconds}
    facts: dict[str, Any] = {"seconds": seconds}
    if revision.is_done(folder.settings(revision.id).key):
        merged = revision.digest_of(TAXONOMY)
        facts |= {"status": "done", "counts": revision.result().counts, "merged": merged}
    folder.note(revision, **facts)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that can change a result."""
    found = {"python": platform.python_version()}
    for package in _VERSIONED:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def admit(
    folder: RunFolder, revision: Revision, describer: Describer, criterion: str, items: Sequence[Item] = ()
) -> None:
    """What the describer cannot tell goes with the revision, to be said wherever its result is shown; also that it was
    trained on some of the images."""
    found = describer.notes(criterion) if isinstance(describer, Noted) else []
    known = describer.seen if isinstance(describer, Trained) else seen_by(folder.settings(revision.id).describer)
    flattering: dict[str, Any] | None = None
    if seen := sum(item.sha256 in known for item in items):
        who, spec = ("embedder", "SPEC") if isinstance(describer, Trained) else ("describer", "described:SPEC")
        remark = (
            f"The {who} was trained on {seen:,} of these {len(items):,} images: scores on those flatter. Scores "
            f"without them: ictc compare IMAGES --embedder {spec} --truth ..."
        )
        found, flattering = [*found, remark], {"images": seen, "remark": remark}
    if found or folder.entry(revision.id).get("notes"):
        folder.note(revision, notes=found)
    if flattering or folder.entry(revision.id).get(TRAINED_ON):
        folder.note(revision, **{TRAINED_ON: flattering})


def account(folder: RunFolder, revision: Revision, reasoner: Reasoner) -> None:
    """What a cascade asked, and what the rest is estimated to be worth; and which images are outliers."""
    found = bargain_of(reasoner)
    if found:
        labelled = sum(x.by.partition(" ")[0] not in ("", OFFLINE) for x in revision.labels())
        found = replace(found, labelled=labelled)
    if found or folder.entry(revision.id).get("cascade"):
        folder.note(revision, cascade=found.to_json() if found else None)
    odd = outliers_of(reasoner)
    if odd or folder.entry(revision.id).get("outliers"):
        folder.note(revision, outliers=odd.to_json() if odd else None)


def compare(folder: RunFolder, revision: Revision, embedder: Embedder) -> None:
    """Clusters of one meaning go with the revision: finding them takes a text model, telling them must not."""
    embed = embedder.embed_texts
    pairs = near_names(without(revision.taxonomy()).names, embed)
    same = mean_the_same(worded(revision.result()), pairs, embed) if pairs else []
    if same or folder.entry(revision.id).get("same"):
        folder.note(revision, same=same)


def carry_notes(folder: RunFolder, before: Revision, revision: Revision) -> None:
    entry = folder.entry(before.id)
    if found := {key: entry[key] for key in ("notes", TRAINED_ON) if entry.get(key)}:
        folder.note(revision, **found)
