"""One job from start to end: read the inputs, find the revision, do the steps, mark it done.

What the CLI and the library share. A job that was done before, with nothing changed since, is read and not redone.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ictc.backends import RECORDED, Backends, check_specs, check_wording
from ictc.descriptions import recorded_items
from ictc.errors import UsageError
from ictc.fallback import fell_back
from ictc.images.sources import Source, read_source
from ictc.interfaces import Describer, Noted, Reasoner, Tick
from ictc.means import OFFLINE, Means, changed, wording_from_json
from ictc.pipeline import check_enough, run_steps, step1, step2a, step2b, step3
from ictc.progress import Watch, unwatched
from ictc.result import Result
from ictc.revision import LABELS, TAXONOMY, Revision
from ictc.runfolder import RunFolder, Settings, digest_inputs
from ictc.spending.meter import Meter, added
from ictc.store import Store

_VERSIONED = ("ictc", "torch", "transformers", "numpy", "scikit-learn", "pillow")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks of a run. `k` None chooses K."""

    images: str | Sequence[Path]
    criterion: str
    k: int | None = None
    means: Means = field(default_factory=Means)

    def __post_init__(self) -> None:
        if not self.criterion.strip():
            raise UsageError("The criterion is empty.", 'Say what to cluster by, for example: -c "mood"')
        check_k(self.k)


def check_k(k: int | None) -> None:
    """Raises UsageError for a K that no data could have."""
    if k is not None and k < 1:
        raise UsageError(f"K is {k}; it must be at least 1.", "Ask for -k 2 or more, or -k auto.")


@dataclass(frozen=True, slots=True)
class Done:
    """A finished job. `reused` says that nothing had to be computed."""

    result: Result
    folder: RunFolder
    revision: Revision
    reused: bool

    @property
    def notes(self) -> list[str]:
        """What the describer said it could not tell."""
        return list(self.folder.entry(self.revision.id).get("notes", []))


def run(asked: Asked, folder: Path, watch: Watch = unwatched, meter: Meter | None = None) -> Done:
    """All steps into `folder`, which is made when missing.

    Raises:
        UsageError, RunError, StepError, ModelGone, BudgetSpent, StorageFull: see `ictc.errors`; what was computed
            before stays.
    """
    asked, source = resolve(asked)
    _check_size(asked.k, source)
    if folder.is_dir() and not os.access(folder, os.W_OK) and (found := _as_it_stands(asked, source, folder)):
        return found
    run_folder = RunFolder(folder, create=True)
    with run_folder.open_store() as store:
        backends = Backends(asked.means, store, meter or Meter())
        describer, reasoner = backends.describer(), backends.reasoner()
        settings = _settings(asked, source, describer, reasoner)
        revision = run_folder.revision_for(settings)
        if revision.is_done(settings.key) and not _worth_another_try(revision):
            revision.refresh_items(source.items, source.metadata)
            return Done(revision.result(), run_folder, revision, reused=True)
        with _recording(run_folder, revision, watch, backends.meter) as timed:
            _admit(run_folder, revision, describer, asked.criterion)
            run_steps(revision, source, asked.criterion, asked.k, describer, reasoner, timed)
            revision.finish(settings.key)
        return Done(revision.result(), run_folder, revision, reused=False)


def describe(
    asked: Asked, folder: Path, watch: Watch = unwatched, meter: Meter | None = None
) -> tuple[RunFolder, Revision]:
    """Step 1 alone."""
    asked, source = resolve(asked)
    run_folder = RunFolder(folder, create=True)
    with run_folder.open_store() as store:
        backends = Backends(asked.means, store, meter or Meter())
        describer = backends.describer()
        settings = replace(_settings(asked, source, describer, backends.reasoner()), k=0)
        revision = run_folder.described(settings) or run_folder.revision_for(settings)
        with _recording(run_folder, revision, watch, backends.meter) as timed:
            _admit(run_folder, revision, describer, asked.criterion)
            step1(revision, source, asked.criterion, describer, timed)
    return run_folder, revision


@dataclass(frozen=True, slots=True)
class Later:
    """How a run is gone on with: which revision, and what is to be other than step 1 was told (see `means.changed`)."""

    folder: Path
    revision: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)
    watch: Watch = unwatched
    meter: Meter = field(default_factory=Meter)


def label(later: Later) -> tuple[RunFolder, Revision]:
    """Step 2a on a run that has step 1. Another reasoner than before makes a new revision."""
    with _reopened(later) as (run_folder, before, settings, reasoner):
        revision = before
        if before.has(LABELS) and settings.reasoner_fingerprint != _known(run_folder, before).reasoner_fingerprint:
            revision = run_folder.revision_for(replace(settings, k=0, taxonomy=""))
            revision.copy_step_1(before)
            _carry_notes(run_folder, before, revision)
        else:
            run_folder.record(revision.id, settings)
        with _recording(run_folder, revision, later.watch, later.meter) as timed:
            step2a(revision, settings.criterion, reasoner, timed)
        return run_folder, revision


def merge(later: Later, k: int | None) -> tuple[RunFolder, Revision]:
    """Step 2b on a run that has step 2a. Another K or reasoner makes a new revision and leaves the old one."""
    check_k(k)
    with _reopened(later) as (run_folder, before, settings, reasoner):
        check_enough(k, before)
        revision = run_folder.revision_for(replace(settings, k=k, taxonomy=""))
        if revision.id != before.id:
            revision.copy_steps_1_and_2a(before)
            _carry_notes(run_folder, before, revision)
        with _recording(run_folder, revision, later.watch, later.meter) as timed:
            step2b(revision, settings.criterion, k, reasoner, timed)
        run_folder.note(revision, merged=revision.digest_of(TAXONOMY))
        return run_folder, revision


def assign(later: Later) -> Done:
    """Step 3 on a run that has step 2b; then the revision is done.

    Names that a person wrote into step2b_result.json are used, in a revision of their own: it is another question.
    So is another reasoner.
    """
    with _reopened(later) as (run_folder, revision, settings, reasoner):
        revision.taxonomy()
        found, merged = revision.digest_of(TAXONOMY), run_folder.entry(revision.id).get("merged")
        if merged and found not in (merged, settings.taxonomy):
            settings = replace(settings, taxonomy=found)
        if settings.key != _known(run_folder, revision).key:
            before, revision = revision, run_folder.revision_for(settings)
            if revision.id != before.id:
                revision.copy_steps_1_and_2a(before)
                _carry_notes(run_folder, before, revision)
                revision.save_file(TAXONOMY, (before.path / TAXONOMY).read_bytes())
        run_folder.record(revision.id, settings)
        with _recording(run_folder, revision, later.watch, later.meter) as timed:
            step3(revision, settings.criterion, reasoner, timed)
            revision.finish(settings.key)
        return Done(revision.result(), run_folder, revision, reused=False)


def _as_it_stands(asked: Asked, source: Source, folder: Path) -> Done | None:
    """The finished revision of a run folder that cannot be written, where it is what is asked for."""
    run_folder = RunFolder(folder)
    with Store(None) as store:
        backends = Backends(asked.means, store, Meter())
        key = _settings(asked, source, backends.describer(), backends.reasoner()).key
    for revision in map(run_folder.revision, run_folder.revision_ids):
        if _known(run_folder, revision).key == key and revision.is_done(key):
            return Done(revision.result(), run_folder, revision, reused=True)
    return None


def _admit(folder: RunFolder, revision: Revision, describer: Describer, criterion: str) -> None:
    """What the describer cannot tell goes with the revision, to be said wherever its result is shown."""
    found = describer.notes(criterion) if isinstance(describer, Noted) else []
    if found or folder.entry(revision.id).get("notes"):
        folder.note(revision, notes=found)


def _carry_notes(folder: RunFolder, before: Revision, revision: Revision) -> None:
    if found := folder.entry(before.id).get("notes"):
        folder.note(revision, notes=found)


def _known(folder: RunFolder, revision: Revision) -> Settings:
    return folder.settings(revision.id)


def _worth_another_try(revision: Revision) -> bool:
    """Whether some images failed for a passing reason, or fell back to another lane because a model was gone."""
    return any(f.retryable for f in revision.failures()) or bool(
        fell_back(revision.assignments(), revision.descriptions())
    )


def resolve(asked: Asked) -> tuple[Asked, Source]:
    """The inputs; `recorded:FILE` as IMAGES stands for both the items and their descriptions."""
    check_specs(asked.means.describer, asked.means.reasoner)
    check_wording(asked.means.wording)
    if isinstance(asked.images, str) and asked.images.startswith(RECORDED):
        items = recorded_items(Path(asked.images.removeprefix(RECORDED)))
        means = replace(asked.means, describer=asked.images)
        return replace(asked, means=means), Source(items, [], {}, None, "recorded")
    return asked, read_source(asked.images)


def _check_size(k: int | None, source: Source) -> None:
    if k is not None and k > len(source.items):
        raise UsageError(
            f"K is {k}, but there are only {len(source.items)} images to cluster.",
            f"Ask for -k {max(1, len(source.items))} or fewer.",
        )


def _settings(asked: Asked, source: Source, chosen: Describer, reasoner: Reasoner) -> Settings:
    return Settings(
        images=asked.images if isinstance(asked.images, str) else f"{len(asked.images)} paths",
        inputs=digest_inputs([(i.name, i.sha256) for i in source.items] + [(f.image, f.code) for f in source.failures]),
        criterion=asked.criterion,
        describer=asked.means.describer,
        describer_fingerprint=chosen.fingerprint,
        reasoner=asked.means.reasoner,
        reasoner_fingerprint=reasoner.fingerprint,
        k=asked.k,
        wording=asked.means.wording.to_json(),
    )


@contextmanager
def _reopened(later: Later) -> Iterator[tuple[RunFolder, Revision, Settings, Reasoner]]:
    run_folder = RunFolder(later.folder)
    with run_folder.open_store() as store:
        revision = run_folder.revision(later.revision)
        known = run_folder.settings(revision.id)
        means = changed(means_of(known), later.given)
        check_specs(OFFLINE, means.reasoner)
        reasoner = Backends(means, store, later.meter).reasoner()
        settings = replace(
            known, reasoner=means.reasoner, reasoner_fingerprint=reasoner.fingerprint, wording=means.wording.to_json()
        )
        if not later.given:  # nothing else is asked: a newer ictc goes on where an older one stopped
            run_folder.record(revision.id, settings)
        yield run_folder, revision, settings, reasoner


def means_of(settings: Settings) -> Means:
    """By what means a revision was made."""
    return Means(settings.describer, settings.reasoner, wording_from_json(settings.wording))


@dataclass(slots=True)
class _Timed:
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
def _recording(folder: RunFolder, revision: Revision, watch: Watch, meter: Meter) -> Iterator[_Timed]:
    """Keeps run.json true: started before; counts, seconds and versions after; what was spent in any case."""
    revision.start()
    folder.note(revision, status="started", versions=versions())
    timed = _Timed(watch)
    spent = folder.entry(revision.id).get("spent")
    try:
        yield timed
    finally:
        usage = meter.to_json()
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
