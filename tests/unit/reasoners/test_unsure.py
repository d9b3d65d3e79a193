"""What is not sure enough stays out of the clusters."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ictc.errors import UsageError
from ictc.interfaces import Tick, no_tick
from ictc.reasoners.cascade.bargain import Bargain
from ictc.reasoners.unsure import UnsureReasoner
from ictc.types import Assignment, Cluster, Description, Failure, Label, Taxonomy

TAXONOMY = Taxonomy("thing", [Cluster("cat"), Cluster("dog")])
FOUND: list[Assignment | Failure] = [
    Assignment("a", "cat", 0.9, "offline", "kitten"),
    Assignment("b", "dog", 0.5, "offline", "puppy"),
    Assignment("c", "dog", 0.4999, "offline", "puppy"),
    Assignment("d", "cat", None, "model"),
    Failure("e", "assign", "empty-description", "no text"),
    Assignment("f", "cat", 0.0, "offline"),
]


class Fixed:
    """Assigns what it was given."""

    fingerprint = "fixed/1"
    bargain: Bargain | None = None

    def label(self, descriptions: Sequence[Description], criterion: str, tick: Tick = no_tick) -> list[Label | Failure]:
        tick(len(descriptions))
        return [Label(d.image, f"{criterion} of {d.text}") for d in descriptions]

    def merge(
        self, descriptions: Sequence[Description], labels: Sequence[Label], criterion: str, k: int | None
    ) -> Taxonomy:
        return TAXONOMY

    def assign(
        self, descriptions: Sequence[Description], taxonomy: Taxonomy, criterion: str, tick: Tick = no_tick
    ) -> list[Assignment | Failure]:
        tick(len(descriptions))
        return FOUND


def test_below_the_least_an_image_has_no_cluster_and_says_what_it_might_be() -> None:
    found = UnsureReasoner(Fixed(), 0.5).assign([], TAXONOMY, "thing")
    assert [found[i] for i in (0, 1, 3, 4)] == [FOUND[i] for i in (0, 1, 3, 4)], "the least itself is enough"
    assert found[2] == Assignment("c", None, 0.4999, "offline", "unsure, perhaps dog: puppy")
    assert isinstance(found[5], Assignment) and found[5].cluster is None


@pytest.mark.parametrize("least", [-0.1, 1.1, float("nan"), float("inf")])
def test_what_is_no_share_is_refused(least: float) -> None:
    with pytest.raises(UsageError, match="min-confidence"):
        UnsureReasoner(Fixed(), least)


def test_all_else_is_the_reasoner_within() -> None:
    inner, ticks = Fixed(), list[int]()
    unsure = UnsureReasoner(inner, 0.5)
    described = [Description("a", "x", "m")]
    assert unsure.label(described, "mood", ticks.append) == inner.label(described, "mood") and ticks == [1]
    assert unsure.merge(described, [], "mood", 2) is TAXONOMY
    assert unsure.bargain is None
    inner.bargain = Bargain("5%", 10)
    assert unsure.bargain is inner.bargain


def test_another_least_is_another_question() -> None:
    assert len({UnsureReasoner(Fixed(), least).fingerprint for least in (0.4, 0.5)} | {Fixed.fingerprint}) == 3
