"""A refinement under way, in memory: the changes made one by one, with what they leave to be asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from ictc.backends import IMPORTED, RECORDED, Backends, check_recorded, check_specs, check_wording
from ictc.errors import RunError, StepError, UsageError
from ictc.interfaces import Reasoner
from ictc.job import means_of
from ictc.means import OFFLINE, Means, changed
from ictc.outlying import without
from ictc.pipeline import check_there, split
from ictc.progress import Watch, unwatched
from ictc.result import Result
from ictc.revision import RESULT_FILES, Revision
from ictc.runfolder import RunFolder, Settings
from ictc.sampling.account import Account
from ictc.sampling.carrying import BY as PROBE
from ictc.sampling.seeing import Seen, look
from ictc.spending.meter import Meter
from ictc.steering.anew import another_criterion, another_k
from ictc.steering.answering import Answerer
from ictc.steering.applying import apply, resolved
from ictc.steering.corrections import Add, Anew, Change, Drop, Split, in_short, to_row
from ictc.steering.draft import Draft
from ictc.steering.kept import marked, pins_of, read_corrections, renames, standing
from ictc.steering.sampled import recarried
from ictc.store import Store
from ictc.types import Description, Failure, Item

Described = tuple[Sequence[Description], Sequence[Failure], str]
"""Step 1: descriptions, failures, and the fingerprint of who described."""

LATER = "later"
"""Stands for the number of the revision that is being made."""


@dataclass(frozen=True, slots=True)
class Refinement:
    """What is to be changed of which revision ("": the last finished), and by what other means (`means.changed`).

    `carried`: corrections of another run, which are left out where they do not apply.
    """

    folder: Path
    changes: tuple[Change, ...] = ()
    revision: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)
    carried: tuple[Change, ...] = ()
    watch: Watch = unwatched
    meter: Meter = field(default_factory=Meter)


@dataclass(frozen=True)
class Made:
    """What the changes come to. `rows`: of corrections.jsonl, those before included."""

    settings: Settings
    result: Result
    draft: Draft
    rows: Sequence[Mapping[str, Any]]
    left_out: Sequence[str] = ()
    gone: Sequence[Change] = ()
    sample: Account | None = None  # of images that were carried anew
    reasoner: Reasoner | None = None  # of a new criterion, whose account of outliers and cascade it has


@dataclass(frozen=True)
class Work:
    """One refinement under way. `last`: the revision that was looked at first; `before`: that the changes are made to,
    which is another where `last` is what these very changes made of it (`repeated`)."""

    asked: Refinement
    folder: RunFolder
    store: Store
    means: Means
    before: Revision
    last: Revision
    estimating: Backends | None = None

    @property
    def told(self) -> list[dict[str, Any]]:
        """What was asked for, as run.json keeps it."""
        return [to_row(c) for c in (*self.asked.changes, *self.asked.carried)]

    @property
    def repeated(self) -> bool:
        return self.before.id != self.last.id

    @property
    def unfinished(self) -> bool:
        """Whether images failed for a passing reason, so that the same changes are worth another try."""
        anew = self.means.options.retry_failed
        return any(f.retryable or anew for f in self.last.failures())

    @cached_property
    def known(self) -> Settings:
        return self.folder.settings(self.before.id)

    @cached_property
    def result(self) -> Result:
        return self.before.result()

    @cached_property
    def backends(self) -> Backends:
        return self.estimating or Backends(self.means, self.store, self.asked.meter)

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        return self.before.corrections()

    def draft(self) -> Draft:
        """The result before, to be changed."""
        kept = tuple(p for p in pins_of(self.rows) if p in self.result.names)
        failed = {f.image: f for f in self.result.failures if f.stage == "assign"}
        return Draft(self.result.taxonomy, {a.image: a for a in self.result.assignments}, kept, failed)

    def start(self) -> Made:
        """Nothing changed yet."""
        return Made(self.known, self.result, self.draft(), self.rows)

    def made(self) -> Made:
        """All changes made; models are asked what they leave to be asked."""
        now = self.start()
        for change, lenient in [*((c, False) for c in self.asked.changes), *((c, True) for c in self.asked.carried)]:
            try:
                now = self.changed(change, now)
            except UsageError as e:
                if not lenient:
                    raise
                now = replace(now, left_out=[*now.left_out, f"{in_short(change)}: {e.message}"])
        return replace(now, settings=replace(now.settings, corrections=self._digest()))

    def changed(self, change: Change, now: Made) -> Made:
        """One change more. Raises as `refine`."""
        if isinstance(change, Anew):
            return self._anew(change, now)
        exact = resolved(change, now.draft, contents(now.result))
        draft, question = apply(exact, now.draft)
        settings = now.settings
        if question:
            draft = self._answerer(now.result).answer(question, draft)
        if isinstance(exact, Split | Drop | Add):
            draft, _ = self._recarried(exact, now.draft, draft)
        if isinstance(exact, Split | Drop | Add):
            settings = self._by_these_means(settings)
        return replace(now, settings=settings, draft=draft, rows=[*now.rows, to_row(exact)])

    @cached_property
    def sample(self) -> dict[str, str]:
        """The images that were described, where not all were."""
        return self.before.sample()

    @cached_property
    def _seen(self) -> Seen:
        return look(self.result.items, self.backends, self.asked.watch)

    def _recarried(self, change: Change, before: Draft, after: Draft) -> tuple[Draft, Account | None]:
        """With the images that nobody described where those that were are now. While estimating nobody is anywhere."""
        if not self.sample or self.estimating is not None:
            return after, None
        return recarried(change, before, after, self._seen, self.sample, self.means)

    def _answerer(self, result: Result) -> Answerer:
        return Answerer(self.backends, result, self.asked.watch, self.estimating is not None)

    def _by_these_means(self, settings: Settings) -> Settings:
        if self.known.reasoner == IMPORTED and self.means.reasoner == OFFLINE:
            return settings
        print_ = self.backends.reasoner().fingerprint
        wording = self.means.wording.to_json()
        return replace(settings, reasoner=self.means.reasoner, reasoner_fingerprint=print_, wording=wording)

    def _anew(self, change: Anew, now: Made) -> Made:
        before = standing(now.rows)
        if not change.criterion or change.criterion == now.result.criterion:
            draft = another_k(change.k, now.draft, self._answerer(now.result), renames(before))
            made = replace(now, draft=draft)
        else:
            made = self._reworded(change, now)
        draft, told = self._recarried(change, now.draft, made.draft)
        made = replace(made, draft=draft, sample=told or made.sample)
        rows, gone = marked(now.rows, made.draft, LATER)
        settings = replace(self._by_these_means(made.settings), k=change.k)
        gone_too = [*now.gone, *gone]
        return replace(made, settings=settings, rows=[*rows, to_row(change)], gone=gone_too)

    def _reworded(self, change: Anew, now: Made) -> Made:
        descriptions, failures, print_ = self._descriptions(change, now)
        settings = replace(now.settings, criterion=change.criterion, describer_fingerprint=print_)
        result = replace(
            now.result, criterion=change.criterion, descriptions=descriptions, failures=failures, labels=[]
        )
        remade = another_criterion(
            descriptions, change.criterion, change.k, now.draft, self._answerer(result), renames(standing(now.rows))
        )
        result = replace(result, labels=remade.labels)
        return replace(now, settings=settings, result=result, draft=remade.draft, reasoner=remade.reasoner)

    def _descriptions(self, change: Anew, now: Made) -> Described:
        """Step 1 for another criterion."""
        if there := self.described(change, now.result):
            return there
        if self.means.describer == self.known.describer:
            check_recorded(self.known.describer, "--describer")
        describer, items = self.backends.describer(), self.looked_at(now.result)
        with self.asked.watch("describe", len(items)) as tick:
            found, failed = split(describer.describe(items, change.criterion, tick))
        check_there(failed)
        if not found:
            raise StepError("None of the images could be described.", "Are they still there? images.jsonl says where.")
        known = [f for f in now.result.failures if f.stage == "image"]
        more = [f for f in failed if f.image not in {g.image for g in known}]
        return found, [*known, *more], describer.fingerprint

    def looked_at(self, result: Result) -> list[Item]:
        """The images that are described: of a sample the same again, whatever the criterion."""
        return [i for i in result.items if not self.sample or i.name in self.sample]

    def described(self, change: Anew, result: Result) -> Described | None:
        """What stands for another criterion without looking at images: recorded descriptions, which are for any; those
        of another revision of the run; with `keep` those for the criterion before."""
        failed = [f for f in result.failures if f.stage in ("image", "describe")]
        spec, own = self.known.describer, self.known.describer_fingerprint
        if spec == IMPORTED or spec.startswith(RECORDED):
            return result.descriptions, failed, own
        if change.keep:
            return result.descriptions, failed, f"kept from “{result.criterion}”: {own}"
        for i in reversed(self.folder.revision_ids):
            known, revision = self.folder.settings(i), self.folder.revision(i)
            alike = (known.inputs, known.describer_fingerprint) == (self.known.inputs, own)
            alike = alike and known.sample == self.known.sample
            if alike and known.criterion == change.criterion and self.folder.entry(i).get("status") == "done":
                if revision.sample().keys() != self.sample.keys():  # others were in doubt under that criterion
                    continue
                failed = [f for f in revision.failures() if f.stage in ("image", "describe")]
                if not any(f.retryable for f in failed):
                    return revision.descriptions(), failed, own
        return None

    def _digest(self) -> str:
        """Changes with what is changed, and with the result that it is changed of."""
        of = [self.known.key, self.before.digest_of(*RESULT_FILES), self.told]
        return hashlib.sha256(json.dumps(of, ensure_ascii=True).encode()).hexdigest()


def contents(result: Result) -> dict[str, str]:
    """The contents (SHA-256) of the images that can be moved: those that have a description, or a place without."""
    found = {d.image: d.sha256 for d in result.descriptions}
    carried = {a.image for a in result.assignments if a.by == PROBE and a.image not in found}
    return found | {i.name: i.sha256 for i in result.items if i.name in carried}


def begun(asked: Refinement, folder: RunFolder, store: Store) -> Work:
    """The refinement on the revision that is meant. Raises UsageError, RunError: see `refine`."""
    last = folder.revision(asked.revision, finished=True)
    if folder.entry(last.id).get("status") != "done":
        raise RunError(f"{last.path} is not finished.", "Run the command that made it again, or give --revision NNN.")
    known = folder.settings(last.id)
    work = Work(asked, folder, store, refined_means(known, asked.given), last, last)
    made = folder.entry(last.id).get("refined")
    if made and made["changes"] == work.told and not asked.revision and work.means.reasoner == known.reasoner:
        return replace(work, before=folder.revision(made["of"]))
    return work


def refinement(
    run: Path,
    changes: Sequence[Change],
    revision: str,
    given: Mapping[str, Any],
    criterion: str | None = None,
    k: int | Literal["same"] | None = "same",
    keep: bool = False,
    corrections: Path | None = None,
    watch: Watch = unwatched,
    meter: Meter | None = None,
) -> Refinement:
    """What is asked for, from what a person or a program gives.

    Raises:
        UsageError, InputError: an option that does nothing, or a file that holds no corrections. RunError: no such run.
    """
    RunFolder(run)
    made = list(changes)
    if keep and criterion is None:
        raise UsageError("--keep-descriptions does nothing without --criterion.", "Add one, or leave it out.")
    if criterion is not None or k != "same":
        made.append(anew(run, revision, criterion, k, keep))
    carried = tuple(read_corrections(corrections)) if corrections else ()
    if corrections and not carried:
        raise UsageError(f"{corrections} holds no corrections.", "A run has some after `ictc refine`.")
    return Refinement(run, tuple(made), revision, given, carried, watch, meter or Meter())


def anew(run: Path, revision_id: str, criterion: str | None, k: int | Literal["same"] | None, keep: bool) -> Anew:
    """Another criterion or K for a run; what is not given is as it is: K chosen where it was chosen, else as many
    clusters as there are.

    Raises:
        UsageError: an empty criterion. RunError: the run cannot be used.
    """
    if criterion is not None and not criterion.strip():
        raise UsageError("The criterion is empty.", 'Say what to cluster by, for example: -c "mood"')
    if k == "same":
        folder = RunFolder(run)
        revision = folder.revision(revision_id, finished=True)
        k = None if folder.settings(revision.id).k is None else without(revision.taxonomy()).k
    return Anew(criterion or "", k, keep)


def refined_means(known: Settings, given: Mapping[str, Any]) -> Means:
    """By what means a refined revision is made: those of the run, unless given anew."""
    if known.reasoner == IMPORTED:
        known = replace(known, reasoner=OFFLINE)
    means = changed(means_of(known), given)
    check_specs(OFFLINE, means.reasoner)
    if "reasoner" not in given:
        check_recorded(known.reasoner)
    check_wording(means.wording, means.reasoner)
    return means
