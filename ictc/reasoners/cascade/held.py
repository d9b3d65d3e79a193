"""Cascades for images that come later, or for some that a correction concerns: of what asking about these alone would
take, a share. Labels are there, or near to those that are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ictc.allowance import Allowance
from ictc.interfaces import Reasoner, Tick, no_tick
from ictc.reasoners.cascade.plan import LEAST_MERGE, Budget, Plan
from ictc.reasoners.cascade.reasoner import CascadeReasoner, unworded
from ictc.reasoners.embedding import BY
from ictc.reasoners.held import HeldReasoner
from ictc.reasoners.spherical import nearest
from ictc.reasoners.words import says_something
from ictc.types import Description, Failure, Label, Taxonomy


class FewCascade(CascadeReasoner):
    """Implements `Reasoner` for some images of a run, whose labels are there: what may be asked about them goes into
    the names, where these are not given, and into clusters."""

    def _plan(self, worded: Sequence[Description]) -> Plan:
        total = self._budget.later(len(worded))
        merge = 0 if self._names_given else min(total, LEAST_MERGE)
        return Plan(0, merge, total - merge)


class HeldCascade(CascadeReasoner):
    """Implements `Reasoner`. Each new image takes the label of the known one nearest to it; the strong reasoner is
    asked for the clusters of those new images that are uncertain, and for an audit, as in the run."""

    def __init__(
        self, cheap: HeldReasoner, strong: Reasoner, allowance: Allowance, budget: Budget, pack: int = 1
    ) -> None:
        super().__init__(cheap, strong, allowance, budget, pack=pack)
        self._held = cheap

    def label(self, descriptions: Sequence[Description], criterion: str, tick: Tick = no_tick) -> list[Label | Failure]:
        known = self._held.known
        worded = [d for d in descriptions if says_something(d.text)]
        if not worded or not known.descriptions:
            return self._held.label(descriptions, criterion, tick)
        rows = self._held.rows([*known.descriptions, *worded], criterion)
        n = len(known.descriptions)
        near = nearest(rows[n:], rows[:n].astype(np.float64))
        same = {d.text: x for d, x in zip(reversed(known.descriptions), reversed(known.labels), strict=True)}
        found = {
            d.image: replace(same[d.text], image=d.image)
            if d.text in same
            else Label(d.image, known.labels[i].label, BY)
            for d, i in zip(worded, near.tolist(), strict=True)
        }
        tick(len(descriptions))
        return [found.get(d.image) or unworded(d.image) for d in descriptions]

    def merge(
        self, descriptions: Sequence[Description], labels: Sequence[Label], criterion: str, k: int | None
    ) -> Taxonomy:
        return self._held.known.taxonomy

    def _plan(self, worded: Sequence[Description]) -> Plan:
        return Plan(0, 0, self._budget.later(len(worded)))
