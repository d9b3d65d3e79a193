"""New images beside those that have their cluster."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ictc.interfaces import Tick, no_tick
from ictc.reasoners.cascade.plan import parse_budget
from ictc.reasoners.held import Held, HeldReasoner, Known, WithKnown
from ictc.reasoners.spherical import unit
from ictc.types import Assignment, Cluster, Description, Failure, Label, Taxonomy
from tests.remembering import Remembering

NAMES = ["cat", "truck", "guitar"]
TAXONOMY = Taxonomy("object", [Cluster(n, labels={n: 8}) for n in NAMES])


def described(i: int, kind: str) -> Description:
    scene = ("near a window", "on the left", "in front of a wall", "seen from above")[i % 4]
    return Description(f"{i}_{kind}.png", f"A {kind} {scene}. It is picture number {i}.", "x")


OLD = [described(i, NAMES[i % 3]) for i in range(60)]


def known(clusters: list[str | None] | None = None, confidence: float | None = 0.8) -> Known:
    own = [NAMES[i % 3] for i in range(60)]
    return Known(TAXONOMY, OLD, [Label(d.image, k) for d, k in zip(OLD, own, strict=True)], clusters or [*own],
                 [confidence] * 60)  # fmt: skip


def assigned(reasoner: HeldReasoner, new: list[Description]) -> list[Assignment]:
    found = reasoner.assign(new, TAXONOMY, "object")
    assert all(isinstance(a, Assignment) for a in found)
    return [a for a in found if isinstance(a, Assignment)]


def test_new_ones_go_where_their_like_are() -> None:
    new = [described(100 + i, NAMES[i % 3]) for i in range(9)]
    reasoner = HeldReasoner(Remembering(), known())
    assert [a.cluster for a in assigned(reasoner, new)] == [NAMES[i % 3] for i in range(9)]
    assert [x.label for x in reasoner.label(new, "object") if isinstance(x, Label)] == [NAMES[i % 3] for i in range(9)]
    assert 0.7 < np.mean([a.confidence for a in assigned(reasoner, new)]) < 0.9, "as sure as the old ones"
    surer = assigned(HeldReasoner(Remembering(), known(confidence=0.97)), new)
    assert np.mean([a.confidence for a in surer]) > 0.9


def test_what_a_person_moved_is_followed() -> None:
    moved: list[str | None] = [{"truck": "guitar", "guitar": "truck"}.get(NAMES[i % 3], "cat") for i in range(60)]
    found = assigned(HeldReasoner(Remembering(), known(moved)), [described(100, "truck"), described(101, "guitar")])
    assert [a.cluster for a in found] == ["guitar", "truck"]


def test_an_answer_does_not_hang_on_the_other_new_ones() -> None:
    reasoner, one = HeldReasoner(Remembering(), known()), described(100, "cat")
    rows, _ = reasoner.places([one, *(described(200 + i, "guitar") for i in range(40))], TAXONOMY, "object")
    alone, _ = reasoner.places([one], TAXONOMY, "object")
    assert rows.shares()[0].argmax() == alone.shares()[0].argmax() == 0


def test_one_without_words_fails_and_one_name_takes_all() -> None:
    found = HeldReasoner(Remembering(), known()).assign(
        [Description("x", " ", "m"), described(1, "cat")], TAXONOMY, "o"
    )
    assert isinstance(found[0], Failure) and isinstance(found[1], Assignment)
    single = Taxonomy("object", [Cluster("all")])
    one = HeldReasoner(Remembering(), known(["all"] * 60)).assign([described(1, "cat")], single, "object")
    assert isinstance(one[0], Assignment) and one[0].cluster == "all"


def test_an_empty_cluster_gets_nothing_by_chance() -> None:
    rows = unit(np.random.default_rng(0).normal(size=(30, 6)).astype(np.float32))
    shares = Held(rows[:10], rows[10:], np.arange(20) % 2, 3).shares()
    assert (shares.argmax(1) < 2).all() and np.allclose(shares.sum(1), 1)


def test_answers_count_as_known() -> None:
    draw = np.random.default_rng(2)
    middles = unit(draw.normal(size=(2, 12)).astype(np.float32))
    old = unit((middles[np.arange(80) % 2] + draw.normal(0, 0.1, (80, 12))).astype(np.float32))
    odd = unit(draw.normal(size=(1, 12)).astype(np.float32))
    new = unit((np.repeat(odd, 30, 0) + draw.normal(0, 0.02, (30, 12))).astype(np.float32))
    held = Held(new, old, np.arange(80) % 2, 2, 80)
    first = int(held.shares()[0].argmax())
    told = held.shares(dict.fromkeys(range(25), 1 - first))
    assert (told[25:].argmax(1) == 1 - first).all(), "neighbours follow what is known"


class Watched(HeldReasoner):
    """Remembers what it was asked about."""

    seen: Sequence[Description] = ()

    def assign(
        self, descriptions: Sequence[Description], taxonomy: Taxonomy, criterion: str, tick: Tick = no_tick
    ) -> list[Assignment | Failure]:
        self.seen = descriptions
        return super().assign(descriptions, taxonomy, criterion, tick)


def test_those_that_were_there_are_not_asked_about() -> None:
    new, inner = described(100, "cat"), Watched(Remembering(), known())
    found = WithKnown(inner, known()).assign([*OLD, new], TAXONOMY, "object")
    assert list(inner.seen) == [new]
    assert [a.cluster for a in found if isinstance(a, Assignment)] == [*known().clusters, "cat"]


def test_the_budget_of_a_cascade_for_later_images() -> None:
    assert parse_budget("5%").later(100) == 10
    assert parse_budget("5%").later(9) == 0
    assert parse_budget("500").later(10) == 20
