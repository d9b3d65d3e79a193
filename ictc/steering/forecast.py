"""What a refinement would ask of models and cost, before anything is asked. Writes no revision.

The changes are made for real, with a model that counts in the place of the real one, around the run's store: what is
stored is not counted. Where what follows hangs on an answer that is not there (the parts of a split, the names of
another K), invented names stand for it, and as many images as could be concerned are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from ictc import job
from ictc.backends import calls_models
from ictc.errors import StepError, UsageError
from ictc.interfaces import Tick, no_tick
from ictc.planning import lane_of, plan_items
from ictc.progress import unwatched
from ictc.reasoners.cascade.plan import LEAST_MERGE, parse_budget
from ictc.runfolder import RunFolder
from ictc.spending.counting import Asked, Counting
from ictc.spending.dryrun import AUTO_K, naming_step
from ictc.spending.estimate import Estimate, Lane, StepEstimate
from ictc.steering.checking import checked
from ictc.steering.corrections import Anew, Change, Merge, Move, Pin, Rename, Split, Unpin
from ictc.steering.work import Refinement, Work, begun
from ictc.types import Failure, Reply, Request, Stage

_TOKENS = (8, 14)  # of one answer of step 3, as in `ictc.spending.dryrun`


def forecast(asked: Refinement) -> Estimate:
    """What `refine` would ask now, and what is to be said of its result beforehand.

    Raises:
        UsageError, RunError: as `refine`.
    """
    folder, asked = RunFolder(asked.folder), replace(asked, watch=unwatched)
    steps: list[StepEstimate] = []
    worded: Callable[[], Estimate] | None = None
    with folder.open_store() as store:
        work = begun(asked, folder, store)
        if work.repeated and not work.unfinished:
            return Estimate([])
        remarks = checked(work)
        means, criterion = work.means, work.result.criterion
        rewords = [c for c in asked.changes if isinstance(c, Anew) and c.criterion not in ("", criterion)]
        looks = bool(rewords) and calls_models(means.describer)
        quick = all(isinstance(c, Rename | Merge | Move | Pin | Unpin) for c in [*asked.changes, *asked.carried])
        if quick or not (calls_models(means.reasoner) or looks):
            return Estimate([], remarks=remarks)
        lane, backends = lane_of(means.reasoner, job.Asked([], criterion, None, means), store)
        staged, concerned = _Staged(lane.counting or Counting("")), _Concerned()
        asked = replace(asked, watch=concerned)
        work = replace(work, asked=asked, estimating=replace(backends, stand_in=staged))
        now, guessed = work.start(), False
        for change in [*asked.changes, *asked.carried]:
            if isinstance(change, Anew) and not means.lane and (change in rewords or means.wording.budget):
                worded = _remaking(work, change)
                break
            try:
                now = work.changed(change, now)
            except (UsageError, StepError):  # a name that is not known yet, or the answer that is not there
                if not guessed and change in asked.changes and not means.lane:
                    raise
            guessed = guessed or isinstance(change, Anew) or (isinstance(change, Split) and not change.names)
            steps += _within(_steps(lane, staged, change), means.wording.budget, concerned.taken())
    if worded:
        found = worded()
        return replace(found, steps=[*steps, *found.steps], remarks=remarks)
    return Estimate(steps, means.options.concurrency, means.options.rpm, remarks=remarks)


def _remaking(work: Work, change: Anew) -> Callable[[], Estimate]:
    """Of a run of all images (another criterion; a cascade), to be called when the store is closed."""
    result = work.result
    asked = job.Asked([], change.criterion or result.criterion, change.k, work.means)
    there = work.described(change, result) if asked.criterion != result.criterion else (result.descriptions, (), "")
    items, folder = work.looked_at(result), work.folder.path
    return lambda: plan_items(asked, items, folder, there[0] if there else None)


def _steps(lane: Lane, staged: _Staged, change: Change) -> list[StepEstimate]:
    """What one change asked."""
    found: list[StepEstimate] = []
    k = change.into if isinstance(change, Split) else (change.k or AUTO_K) if isinstance(change, Anew) else 1
    merge, assign = staged.taken("merge"), staged.taken("assign")
    if merge.requests:
        found.append(naming_step(lane, merge, k))
    if n := assign.requests:
        least = 0 if isinstance(change, Anew) and merge.requests else n  # images that keep their name are not asked
        low = assign.text * least / n
        tokens = (_TOKENS[0] * least, min(_TOKENS[1] * n, assign.longest), assign.longest)
        exact = not merge.requests
        found.append(StepEstimate("assign", lane, (least, n, n), (low, assign.text, assign.text), tokens, exact))
    return found


def _within(steps: Sequence[StepEstimate], budget: str, images: int) -> list[StepEstimate]:
    """No more than a cascade's budget lets one change ask about so many images."""
    if not budget:
        return list(steps)
    left, found = parse_budget(budget).later(images), []
    for step in steps:
        most = min(left, LEAST_MERGE) if step.stage == "merge" else left
        left -= most
        found.append(step.at_most(most))
    return found


@dataclass
class _Concerned:
    """A watch that keeps how many images the longest stage was about."""

    images: int = 0

    @contextmanager
    def __call__(self, stage: str, total: int) -> Iterator[Tick]:
        self.images = max(self.images, total)
        yield no_tick

    def taken(self) -> int:
        """Since this was last called."""
        found, self.images = self.images, 0
        return found


@dataclass
class _Staged:
    """A model that counts, each step for itself."""

    counting: Counting
    _by_stage: dict[Stage, Asked] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        return self.counting.fingerprint

    @property
    def text_fingerprint(self) -> str:
        return self.counting.text_fingerprint

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply | Failure]]:
        for number, request in enumerate(requests):
            for _, answer in self.counting.generate([request]):
                self._by_stage[request.stage] = self._by_stage.get(request.stage, Asked()) + self.counting.taken()
                yield number, answer

    def taken(self, stage: Stage) -> Asked:
        """What a step asked since this was last called."""
        return self._by_stage.pop(stage, Asked())
