"""A reasoner around a reasoner changes what it says it does, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ictc.interfaces import Tick, no_tick
from ictc.reasoners.cascade.bargain import Bargain
from ictc.reasoners.wrapping import Wrapped
from ictc.types import Assignment, Cluster, Description, Failure, Label, Taxonomy

TAXONOMY = Taxonomy("mood", [Cluster("calm")])


class Noting:
    """Gives fixed answers, and remembers what it was asked."""

    fingerprint = "noting/1"
    bargain: Bargain | None = None

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def label(self, descriptions: Sequence[Description], criterion: str, tick: Tick = no_tick) -> list[Label | Failure]:
        tick(1)
        self.asked.append((descriptions, criterion))
        return [Label("a", "quiet")]

    def merge(
        self, descriptions: Sequence[Description], labels: Sequence[Label], criterion: str, k: int | None
    ) -> Taxonomy:
        self.asked.append((descriptions, labels, criterion, k))
        return TAXONOMY

    def assign(
        self, descriptions: Sequence[Description], taxonomy: Taxonomy, criterion: str, tick: Tick = no_tick
    ) -> list[Assignment | Failure]:
        tick(2)
        self.asked.append((descriptions, taxonomy, criterion))
        return [Assignment("a", "calm")]


class Around(Wrapped):
    """Changes nothing."""

    fingerprint = "around/1"


def test_every_step_is_that_of_the_reasoner_within() -> None:
    inner, ticks = Noting(), list[int]()
    outer = Around(inner)
    there, labels = [Description("a", "a quiet lake", "m")], [Label("a", "quiet")]
    assert outer.label(there, "mood", ticks.append) == labels
    assert outer.merge(there, labels, "mood", 1) is TAXONOMY
    assert outer.assign(there, TAXONOMY, "mood", ticks.append) == [Assignment("a", "calm")]
    assert inner.asked == [(there, "mood"), (there, labels, "mood", 1), (there, TAXONOMY, "mood")]
    assert ticks == [1, 2] and outer.bargain is None
    inner.bargain = Bargain("5%", 10)
    assert Around(outer).bargain is inner.bargain, "however many are around it"
