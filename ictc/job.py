"""One job from start to end: read the inputs, find the revision, do the steps, mark it done.

What the CLI and the library share. A job that was done before, with nothing changed since, is read and not redone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ictc.backends import RECORDED, Backends, check_lane_specs, check_names, check_specs, check_wording
from ictc.descriptions import recorded_items
from ictc.diagnosis import Finding, diagnose
from ictc.errors import UsageError
from ictc.fallback import fell_back, told_of
from ictc.images.sources import Source, read_source
from ictc.interfaces import Describer, Reasoner
from ictc.lane.checking import check_lane
from ictc.lane.describer import kept_lane, worded
from ictc.lane.split import knowing
from ictc.means import Means, wording_from_json
from ictc.outlying import Outliers
from ictc.pipeline import run_steps, step1
from ictc.progress import Watch, unwatched
from ictc.reasoners.cascade.bargain import Bargain
from ictc.recording import account, admit, compare, recording
from ictc.remote.opening import check_engine
from ictc.result import Result, named_alone
from ictc.revision import Revision
from ictc.runfolder import RunFolder, Settings, digest_inputs
from ictc.sampling.account import Account
from ictc.sampling.checking import fitting, identity, kept
from ictc.sampling.running import Sampled, run_sampled
from ictc.spending.meter import Meter
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
        """What the describer said it could not tell, what was done without a model, what is to be known of the names,
        what a cascade's result is estimated to be worth, which images are outliers, and what mixes two criteria."""
        bargain, remark = self.bargain, self.result.taxonomy.remark
        sample = self.sample
        told = [
            *([remark] if remark else []),
            *([f"cascade: {bargain.line()}"] if bargain else []),
            *([f"sample: {sample.line()}"] if sample else []),
        ]
        odd = self.outliers.line() if self.outliers else ""
        without = told_of(self.result.assignments, self.result.descriptions)
        noted = self.folder.entry(self.revision.id).get("notes", [])
        return [*self.mixed, *noted, *without, *told, *([odd] if odd else [])]

    @property
    def mixed(self) -> list[str]:
        """Which clusters came together under another criterion, and were pinned then."""
        kept = self.folder.entry(self.revision.id).get("mixed") or {}
        return [
            f"The pinned cluster “{name}” is of another criterion, “{other}”: its images were not asked about "
            f"“{self.result.criterion}”. Unpinned, another -k or -c clusters them with the others."
            for name, other in kept.items()
        ]

    @property
    def findings(self) -> list[Finding]:
        """What is odd about the clusters; of the outliers nothing else is expected."""
        named = bool(self.folder.settings(self.revision.id).wording.get("names"))
        entry = self.folder.entry(self.revision.id)
        return diagnose(
            worded(named_alone(self.result)),
            entry.get("same", ()),
            by_hand=named or bool(self.revision.corrections()),
            pinned=entry.get("pinned", ()),
            foreign=entry.get("mixed") or {},
            run=str(self.folder.path),
        )

    @property
    def outliers(self) -> Outliers | None:
        """The images unlike all others; None where nobody looked for them."""
        stored = self.folder.entry(self.revision.id).get("outliers")
        return Outliers.from_json(stored) if stored else None

    @property
    def accounts(self) -> dict[str, Any]:
        """What `--json` prints of a cascade and of outliers, where there is an account of them."""
        told = {"cascade": self.bargain, "outliers": self.outliers, "sample": self.sample}
        return {key: account.to_json() for key, account in told.items() if account}

    @property
    def sample(self) -> Account | None:
        """What of the images was described, and who decided the rest; None where all were."""
        stored = self.folder.entry(self.revision.id).get("sample")
        return Account.from_json(stored) if stored else None

    @property
    def bargain(self) -> Bargain | None:
        """The account of a cascade."""
        stored = self.folder.entry(self.revision.id).get("cascade")
        return Bargain.from_json(stored) if stored else None


def run(asked: Asked, folder: Path, watch: Watch = unwatched, meter: Meter | None = None) -> Done:
    """All steps into `folder`, which is made when missing.

    Raises:
        UsageError, RunError, StepError, ModelGone, BudgetSpent, StorageFull: see `ictc.errors`; what was computed
            before stays.
    """
    asked, source = resolve(asked)
    check_size(asked.k, source)
    if folder.is_dir() and not os.access(folder, os.W_OK) and (found := as_it_stands(asked, source, folder)):
        return found
    run_folder = RunFolder(folder, create=True)
    with run_folder.open_store() as store:
        backends = Backends(asked.means, store, meter or Meter())
        describer, reasoner = backends.describer(), backends.reasoner()
        settings = _settings(asked, source, describer, reasoner, backends)
        revision = run_folder.revision_for(settings)
        anew = asked.means.options.retry_failed
        again = asked.means.lane is not None and asked.means.lane.recompute
        if revision.is_done(settings.key) and not again and not _worth_another_try(run_folder, revision, anew):
            revision.refresh_items(source.items, source.metadata)
            return Done(revision.result(), run_folder, revision, reused=True)
        with recording(run_folder, revision, watch, backends.meter) as timed:
            admit(run_folder, revision, describer, asked.criterion, source.items)
            if settings.sample:
                task = Sampled(source, asked.criterion, asked.k, describer, reasoner, backends, timed)
                run_folder.note(revision, sample=run_sampled(revision, task).to_json())
            else:
                run_steps(revision, source, asked.criterion, asked.k, describer, reasoner, timed)
            account(run_folder, revision, reasoner)
            compare(run_folder, revision, backends.embedder())
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
        settings = replace(_settings(asked, source, describer, backends.reasoner(), backends), k=0)
        revision = run_folder.described(settings) or run_folder.revision_for(settings)
        with recording(run_folder, revision, watch, backends.meter) as timed:
            admit(run_folder, revision, describer, asked.criterion, source.items)
            step1(revision, source, asked.criterion, describer, timed)
    return run_folder, revision


def as_it_stands(asked: Asked, source: Source, folder: Path) -> Done | None:
    """The finished revision of a run folder that is what is asked for, where there is one. Writes nothing."""
    run_folder = RunFolder(folder)
    with Store(None) as store:
        backends = Backends(asked.means, store, Meter())
        key = _settings(asked, source, backends.describer(), backends.reasoner(), backends).key
    for revision in map(run_folder.revision, run_folder.revision_ids):
        if _known(run_folder, revision).key == key and revision.is_done(key):
            return Done(revision.result(), run_folder, revision, reused=True)
    return None


def _known(folder: RunFolder, revision: Revision) -> Settings:
    return folder.settings(revision.id)


def _worth_another_try(folder: RunFolder, revision: Revision, all_failed: bool) -> bool:
    """Whether some images failed for a passing reason, or fell back to another lane because a model was gone, or a
    cascade's questions were not answered."""
    cascade = folder.entry(revision.id).get("cascade") or {}
    return (
        bool(cascade.get("passing") or (all_failed and cascade.get("unanswered")))
        or any(f.retryable or all_failed for f in revision.failures())
        or (all_failed and bool(revision.taxonomy().remark))
        or bool(fell_back(revision.assignments(), revision.descriptions()))
    )


def resolve(asked: Asked) -> tuple[Asked, Source]:
    """The inputs; `recorded:FILE` as IMAGES stands for both the items and their descriptions.

    Raises:
        UsageError and its kinds: the means do not go together, or there are no such images; InputError: the truth.
    """
    if asked.means.lane:
        check_lane_specs(asked.means.lane, asked.means.reasoner)
        check_lane(asked.means.lane, asked.k)
    else:
        check_specs(asked.means.describer, asked.means.reasoner)
    check_wording(asked.means.wording, asked.means.reasoner)
    check_engine(asked.means.place)
    check_names(asked.means.wording, asked.k)
    if isinstance(asked.images, str) and asked.images.startswith(RECORDED):
        items = recorded_items(Path(asked.images.removeprefix(RECORDED)))
        means = replace(asked.means, describer=asked.images)
        source = Source(items, [], {}, None, "recorded")
        return _shown(_sampled(replace(asked, means=means), source), source), source
    source = read_source(asked.images)
    return _shown(_sampled(asked, source), source), source


def _sampled(asked: Asked, source: Source) -> Asked:
    """With no sample where it would be all images."""
    return replace(asked, means=fitting(asked.means, source, asked.k))


def _shown(asked: Asked, source: Source) -> Asked:
    """With the truth that a pairing is shown, read before anything is embedded."""
    if asked.means.lane is None:
        return asked
    names = [*(i.name for i in source.items), *(f.image for f in source.failures)]
    lane = knowing(asked.means.lane, list(dict.fromkeys(names)), source.metadata)
    return replace(asked, means=replace(asked.means, lane=replace(lane, criterion=asked.criterion)))


def check_size(k: int | None, source: Source) -> None:
    """Raises UsageError: K is more than there are images."""
    if k is not None and k > len(source.items):
        raise UsageError(
            f"K is {k}, but there are only {len(source.items)} images to cluster.",
            f"Ask for -k {max(1, len(source.items))} or fewer.",
        )


def _settings(asked: Asked, source: Source, chosen: Describer, reasoner: Reasoner, backends: Backends) -> Settings:
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
        lane=asked.means.lane.to_json() if asked.means.lane else None,
        sample=identity(backends),
    )


def means_of(settings: Settings) -> Means:
    """By what means a revision was made."""
    lane, sample = kept_lane(settings), kept(settings.sample)
    return Means(settings.describer, settings.reasoner, wording_from_json(settings.wording), lane=lane, sample=sample)
