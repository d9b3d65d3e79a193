"""Drift is seen where there is some, and hardly ever where there is none; a missing cluster is found."""

from __future__ import annotations

import numpy as np
import pytest

from ictc.reasoners.spherical import unit
from ictc.types import Cluster, Label, Taxonomy
from ictc.updating.drift import Side, drift, holm, more_often
from ictc.updating.recount import recounted
from ictc.updating.suggestion import suggestion

K, WIDTH = 4, 24
MIDDLES = unit(np.random.default_rng(1).normal(size=(K + 1, WIDTH)).astype(np.float32))


def side(draw: np.random.Generator, counts: list[int], *, unassigned: int = 0) -> Side:
    """Images round the middles; those of the last one, which is no cluster, are in that nearest to it."""
    kinds = np.repeat(np.arange(len(counts)), counts)
    rows = unit((MIDDLES[kinds] + draw.normal(0, 0.12, (len(kinds), WIDTH))).astype(np.float32))
    groups = np.where(kinds < K, kinds, (MIDDLES[:K] @ MIDDLES[K]).argmax()).astype(np.intp)
    groups[:unassigned] = -1
    return Side(rows, groups, [f"kind {k}" for k in kinds], [0.9] * len(kinds))


def test_without_drift_few_alarms() -> None:
    draw, alarms, p = np.random.default_rng(5), 0, []
    for _ in range(60):
        found = drift(side(draw, [40] * K), side(draw, draw.multinomial(30, [1 / K] * K).tolist()), K)
        alarms += found.drifts
        p += [s.p for s in found.signs]
    assert alarms <= 8, "5 % of 60 are 3; more than 8 come by once in 200"
    assert min(p) >= 0


def test_new_kinds_are_seen_and_called_a_cluster() -> None:
    draw = np.random.default_rng(6)
    old, new = side(draw, [40] * K), side(draw, [5, 5, 5, 5, 9])
    found = drift(old, new, K)
    signs = {s.name: s for s in found.signs}
    assert found.drifts and signs["unlike"].drifts and signs["unheard"].drifts and not signs["unassigned"].drifts
    assert signs["unheard"].new == 9 and signs["unheard"].low < 9 / 29 < signs["unheard"].high
    assert set(range(20, 29)) <= set(found.doubtful)
    images, names = [f"{i}.png" for i in range(29)], [f"kind {i}" for i in range(K)]
    more = suggestion(old, new, found.doubtful, images, names)
    assert more is not None and more.name == "kind 4" and more.share == 1
    assert sorted(more.images) == images[20:] and list(more.examples) == list(more.images[:5])


@pytest.mark.parametrize("kind", ["few", "there before", "like the rest"])
def test_no_cluster_is_suggested(kind: str) -> None:
    draw = np.random.default_rng(7)
    counts = {"few": [8, 8, 8, 8, 4], "there before": [8, 8, 8, 8, 8], "like the rest": [8, 8, 8, 8]}[kind]
    old, new = side(draw, [40, 40, 40, 40, *([40] if kind == "there before" else [])]), side(draw, counts)
    names = [f"kind {i}" for i in range(K)]
    assert suggestion(old, new, range(len(new.rows)), list(map(str, range(len(new.rows)))), names) is None


def test_more_unassigned_and_other_shares() -> None:
    draw = np.random.default_rng(8)
    old = side(draw, [40] * K)
    found = drift(old, side(draw, [30, 2, 2, 2], unassigned=12), K)
    signs = {s.name: s for s in found.signs}
    assert signs["unassigned"].drifts and signs["unassigned"].new == 12 and signs["unassigned"].expected == 0
    assert found.shares_p is not None and found.shares_p < 0.05
    assert found.confidence == (0.9, 0.9)


@pytest.mark.parametrize("old,new,k", [(1, 1, 1), (1, 1, 2), (3, 1, 2), (20, 1, 1), (6, 2, 2)])
def test_very_few(old: int, new: int, k: int) -> None:
    draw = np.random.default_rng(9)

    def few(n: int) -> Side:
        rows = unit(draw.normal(size=(n, 5)).astype(np.float32))
        return Side(rows, np.arange(n) % k, ["x"] * n, [None] * n)

    found = drift(few(old), few(new), k)
    assert not found.drifts and found.confidence == (None, None)
    assert all(0 <= s.p <= 1 and 0 <= s.low <= s.share <= s.high <= 1 for s in found.signs)


def test_adjusted_p_values() -> None:
    assert holm([0.01, 0.04, 0.03]) == [0.03, 0.06, 0.06]
    assert more_often(3, 3, 0, 7) == pytest.approx(1 / 120)


def test_labels_are_counted_again() -> None:
    taxonomy = Taxonomy("object", [Cluster("pet", labels={"dog": 2, "cat": 1}, group="animal"), Cluster("car")])
    labels = [Label("1", "dog"), Label("2", "wolf"), Label("3", "wolf"), Label("4", "van"), Label("5", "cart")]
    found = recounted(taxonomy, labels, {"1": "pet", "2": "pet", "3": "car", "4": "car", "5": None})
    assert [c.labels for c in found.clusters] == [{"dog": 1, "wolf": 2}, {"van": 1}]
    assert found.clusters[0].group == "animal" and list(found.clusters[0].labels) == ["wolf", "dog"]
    assert recounted(taxonomy, [], {}).clusters[0].labels == {"dog": 2, "cat": 1}, "a cluster keeps some"
