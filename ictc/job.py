"""One job from start to end: read the inputs, find the revision, do the steps, mark it done.

What the CLI and the library share. A job that was done before, with nothing changed since, is read and not redone.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ictc.backends import OFFLINE, RECORDED, check_specs, open_backends, open_language
from ictc.descriptions import recorded_items
from ictc.errors import UsageError
from ictc.images.sources import Source, read_source
from ictc.interfaces import Describer, Reasoner, Tick
from ictc.pipeline import check_enough, run_steps, step1, step2a, step2b, step3
from ictc.progress import Watch, unwatched
from ictc.result import Result
from ictc.revision import TAXONOMY, Revision
from ictc.runfolder import RunFolder, Settings, digest_inputs

_VERSIONED = ("ictc", "torch", "transformers", "numpy", "scikit-learn", "pillow")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks of a run. `k` None chooses K."""

    images: str | Sequence[Path]
    criterion: str
    k: int | None = None
    describer: str = OFFLINE
    reasoner: str = OFFLINE

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


def run(asked: Asked, folder: Path, watch: Watch = unwatched) -> Done:
    """All steps into `folder`, which is made when missing.

    Raises:
        UsageError, RunError, StepError, StorageFull: see `ictc.errors`; what was computed before stays.
    """
    asked, source = _resolve(asked)
    _check_size(asked.k, source)
    run_folder = RunFolder(folder, create=True)
    with run_folder.open_store() as store:
        chosen, language = open_backends(asked.describer, asked.reasoner, store)
        settings = _settings(asked, source, chosen, language.reasoner)
        revision = run_folder.revision_for(settings)
        if revision.is_done(settings.key) and not any(f.retryable for f in revision.failures()):
            revision.refresh_items(source.items, source.metadata)
            return Done(revision.result(), run_folder, revision, reused=True)
        with _recording(run_folder, revision, watch) as timed:
            run_steps(revision, source, asked.criterion, asked.k, chosen, language.reasoner, timed)
            revision.finish(settings.key)
        return Done(revision.result(), run_folder, revision, reused=False)


def describe(asked: Asked, folder: Path, watch: Watch = unwatched) -> tuple[RunFolder, Revision]:
    """Step 1 alone."""
    asked, source = _resolve(asked)
    run_folder = RunFolder(folder, create=True)
    with run_folder.open_store() as store:
        chosen, language = open_backends(asked.describer, asked.reasoner, store)
        settings = replace(_settings(asked, source, chosen, language.reasoner), k=0)
        revision = run_folder.described(settings) or run_folder.revision_for(settings)
        with _recording(run_folder, revision, watch) as timed:
            step1(revision, source, asked.criterion, chosen, timed)
    return run_folder, revision


def label(folder: Path, revision_id: str = "", watch: Watch = unwatched) -> tuple[RunFolder, Revision]:
    """Step 2a on a run that has step 1."""
    with _reopened(folder, revision_id) as (run_folder, revision, settings, reasoner):
        with _recording(run_folder, revision, watch) as timed:
            step2a(revision, settings.criterion, reasoner, timed)
        return run_folder, revision


def merge(folder: Path, k: int | None, revision_id: str = "", watch: Watch = unwatched) -> tuple[RunFolder, Revision]:
    """Step 2b on a run that has step 2a. Another K than before makes a new revision and leaves the old one."""
    check_k(k)
    with _reopened(folder, revision_id) as (run_folder, before, settings, reasoner):
        check_enough(k, before)
        revision = run_folder.revision_for(replace(settings, k=k, taxonomy=""))
        if revision.id != before.id:
            revision.copy_steps_1_and_2a(before)
        with _recording(run_folder, revision, watch) as timed:
            step2b(revision, settings.criterion, k, reasoner, timed)
        run_folder.note(revision, merged=revision.digest_of(TAXONOMY))
        return run_folder, revision


def assign(folder: Path, revision_id: str = "", watch: Watch = unwatched) -> Done:
    """Step 3 on a run that has step 2b; then the revision is done.

    Names that a person wrote into step2b_result.json are used, in a revision of their own: it is another question.
    """
    with _reopened(folder, revision_id) as (run_folder, revision, settings, reasoner):
        revision.taxonomy()
        found, merged = revision.digest_of(TAXONOMY), run_folder.entry(revision.id).get("merged")
        if merged and found not in (merged, settings.taxonomy):
            settings, before = replace(settings, taxonomy=found), revision
            revision = run_folder.revision_for(settings)
            revision.copy_steps_1_and_2a(before)
            revision.save_file(TAXONOMY, (before.path / TAXONOMY).read_bytes())
        with _recording(run_folder, revision, watch) as timed:
            step3(revision, settings.criterion, reasoner, timed)
            revision.finish(settings.key)
        return Done(revision.result(), run_folder, revision, reused=False)


def _resolve(asked: Asked) -> tuple[Asked, Source]:
    """The inputs; `recorded:FILE` as IMAGES stands for both the items and their descriptions."""
    check_specs(asked.describer, asked.reasoner)
    if isinstance(asked.images, str) and asked.images.startswith(RECORDED):
        items = recorded_items(Path(asked.images.removeprefix(RECORDED)))
        return replace(asked, describer=asked.images), Source(items, [], {}, None, "recorded")
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
        describer=asked.describer,
        describer_fingerprint=chosen.fingerprint,
        reasoner=asked.reasoner,
        reasoner_fingerprint=reasoner.fingerprint,
        k=asked.k,
    )


@contextmanager
def _reopened(folder: Path, revision_id: str) -> Iterator[tuple[RunFolder, Revision, Settings, Reasoner]]:
    run_folder = RunFolder(folder)
    with run_folder.open_store() as store:
        revision = run_folder.revision(revision_id)
        settings = run_folder.settings(revision.id)
        reasoner = open_language(settings.describer, settings.reasoner, store).reasoner
        settings = replace(settings, reasoner_fingerprint=reasoner.fingerprint)
        run_folder.record(revision.id, settings)
        yield run_folder, revision, settings, reasoner


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
def _recording(folder: RunFolder, revision: Revision, watch: Watch) -> Iterator[_Timed]:
    """Keeps run.json true: started before, and counts, seconds and versions after."""
    revision.start()
    folder.note(revision, status="started", versions=versions())
    timed = _Timed(watch)
    yield timed
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
