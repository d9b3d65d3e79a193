"""Suggestions for a run: who gives them, and what that takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ictc import job
from ictc.backends import Backends, calls_models
from ictc.job import Done
from ictc.planning import lane_of
from ictc.replies.answers import Fault
from ictc.runfolder import RunFolder
from ictc.spending.dryrun import naming_step
from ictc.spending.estimate import Estimate
from ictc.steering.kept import pins_of
from ictc.steering.suggesting import Suggestion, by_findings, by_model
from ictc.steering.work import Refinement, begun


@dataclass(frozen=True, slots=True)
class Advice:
    """`by`: the model's spec, or `offline`. `remark`: why the model that was asked is not the one."""

    suggestions: Sequence[Suggestion]
    by: str
    done: Done
    remark: str = ""


def advise(asked: Refinement) -> Advice:
    """By the model of the run (or another that is given), in one request; offline by the oddities of the clusters.

    Raises:
        RunError: the run cannot be used. ModelGone, BudgetSpent: see `ictc.errors`.
    """
    folder = RunFolder(asked.folder)
    with folder.open_store() as store:
        work = begun(asked, folder, store)
        done = Done(work.last.result(), folder, work.last, reused=True)
        held = [p for p in pins_of(work.last.corrections()) if p in done.result.names]
        offline = by_findings(done.result, done.findings, held)
        spec = work.means.reasoner
        if not calls_models(spec):
            return Advice(offline, "offline", done)
        backends = Backends(work.means, store, asked.meter)
        wording = work.means.wording
        model = backends.open_model(spec)
        found = by_model(done.result, done.findings, model, backends.prompts, wording.language)
        if isinstance(found, Fault):
            return Advice(offline, "offline", done, f"{spec} gave no usable suggestions: {found.message}")
        return Advice(found, spec, done)


def advice_takes(asked: Refinement) -> Estimate:
    """What `advise` would ask now."""
    folder = RunFolder(asked.folder)
    with folder.open_store() as store:
        work = begun(asked, folder, store)
        if not calls_models(work.means.reasoner):
            return Estimate([])
        lane, backends = lane_of(work.means.reasoner, job.Asked([], work.result.criterion, None, work.means), store)
        counting = lane.counting
        assert counting
        done = Done(work.last.result(), folder, work.last, reused=True)
        model = replace(backends, stand_in=counting).open_model(work.means.reasoner)
        by_model(done.result, done.findings, model, backends.prompts, work.means.wording.language)
        return Estimate([step] if (step := naming_step(lane, counting.taken(), 20)).asks else [])
