"""Two clusterings side by side."""

from __future__ import annotations

import numpy as np
import pytest

from ictc.crosstab import agreement, crosstab
from ictc.result import UNASSIGNED, Result
from ictc.types import Assignment, Cluster, Item, Taxonomy


def result(criterion: str, clusters: dict[str, str | None]) -> Result:
    names = [Cluster(n) for n in dict.fromkeys(c for c in clusters.values() if c)]
    items, assignments = [Item(i) for i in clusters], [Assignment(i, c) for i, c in clusters.items()]
    return Result(criterion, items, [], [], Taxonomy(criterion, names), assignments)


def test_counts_of_the_images_that_both_have() -> None:
    kind = result("kind", {"1": "cat", "2": "cat", "3": "dog", "4": None, "5": "cat"})
    place = result("place", {"1": "in", "2": "out", "3": "out", "4": "out", "9": "in"})
    found = crosstab(kind, place)
    assert found.criteria == ("kind", "place")
    assert found.rows == ["cat", "dog", UNASSIGNED] and found.columns == ["out", "in"]
    assert found.counts == [[1, 1], [1, 0], [1, 0]]
    assert sum(map(sum, found.counts)) == 4


def test_the_same_clusters_under_other_names_agree_in_full() -> None:
    a = result("a", {str(i): "xy"[i % 2] for i in range(10)})
    b = result("b", {str(i): "pq"[i % 2] for i in range(10)})
    found = crosstab(a, b)
    assert (found.ari, found.nmi) == (1.0, 1.0)


@pytest.mark.parametrize("kinds", [(1, 1), (1, 3), (4, 2), (9, 9)])
def test_agreement_is_as_scikit_learn_has_it(kinds: tuple[int, int]) -> None:
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    rng = np.random.default_rng(sum(kinds))
    for n in (1, 2, 30, 500):
        a, b = (rng.integers(0, k, n) for k in kinds)
        b = np.where(rng.random(n) < 0.5, a % kinds[1], b)
        ari, nmi = agreement([(f"a{x}", f"b{y}") for x, y in zip(a, b, strict=True)])
        assert ari == pytest.approx(adjusted_rand_score(a, b), abs=6e-5)
        assert nmi == pytest.approx(normalized_mutual_info_score(a, b), abs=6e-5)


def test_no_image_in_common() -> None:
    found = crosstab(result("a", {"1": "x"}), result("b", {"2": "y"}))
    assert (found.counts, found.ari, found.nmi) == ([], None, None)
