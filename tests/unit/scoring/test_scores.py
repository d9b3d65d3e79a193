"""ACC, ARI and NMI against brute force, scikit-learn, and what must hold of any scoring."""

from __future__ import annotations

import itertools
import json
import random
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, silhouette_score

from ictc.errors import InputError
from ictc.scoring import Scores, score_assignments, silhouette

CLUSTERS = ["a", "b", "c", "d", None]
pairs = st.lists(st.tuples(st.sampled_from(CLUSTERS), st.sampled_from(["x", "y", "z"])), min_size=1, max_size=40)


def score(rows: list[tuple[str | None, str]], **options: object) -> Scores:
    predicted = {f"{i}.png": cluster for i, (cluster, _) in enumerate(rows)}
    truth = {f"{i}.png": class_ for i, (_, class_) in enumerate(rows)}
    return score_assignments(predicted, truth, **options)  # type: ignore[arg-type]


def best_by_hand(rows: list[tuple[str | None, str]]) -> float:
    """The largest share of right images over every one-to-one pairing of clusters and classes."""
    clusters, classes = ["a", "b", "c", "d"], ["x", "y", "z", None]
    return max(
        sum(c is not None and dict(zip(clusters, order, strict=True))[c] == t for c, t in rows)
        for order in itertools.permutations(classes)
    ) / len(rows)


@given(pairs)
def test_scores_agree_with_brute_force_and_scikit_learn(rows: list[tuple[str | None, str]]) -> None:
    scores = score(rows)
    predicted, truth = [str(c) for c, _ in rows], [t for _, t in rows]
    assert scores.acc == pytest.approx(best_by_hand(rows))
    assert scores.ari == pytest.approx(adjusted_rand_score(truth, predicted), abs=1e-9)
    assert scores.nmi == pytest.approx(normalized_mutual_info_score(truth, predicted), abs=1e-6)


@given(pairs, st.permutations(["a", "b", "c", "d"]), st.randoms(use_true_random=False))
def test_names_and_order_carry_no_meaning(
    rows: list[tuple[str | None, str]], names: list[str], shuffler: random.Random
) -> None:
    renamed = dict(zip(["a", "b", "c", "d"], names, strict=True))
    other = [(c and renamed[c], t) for c, t in rows]
    shuffler.shuffle(other)
    before, after = score(rows), score(other)
    for field in ("n", "k", "k_true", "acc", "unassigned"):
        assert getattr(before, field) == getattr(after, field)
    assert after.ari == pytest.approx(before.ari)
    assert after.nmi == pytest.approx(before.nmi)


@given(pairs)
def test_bounds_and_sums(rows: list[tuple[str | None, str]]) -> None:
    s = score(rows)
    assert 0 <= s.acc <= 1 and -0.5 - 1e-9 <= s.ari <= 1 and 0 <= s.nmi <= 1 + 1e-9
    assert sum(map(sum, s.confusion.counts)) == s.n == len(rows)
    assert sum(c.correct for c in s.per_class) == round(s.acc * s.n) == sum(m.n for m in s.matching)
    assert sum(row[-1] for row in s.confusion.counts) == s.unassigned == sum(c is None for c, _ in rows)


def test_unassigned_and_failed_are_wrong_and_one_more_cluster() -> None:
    predicted = {"1": "a", "2": "a", "3": "b", "4": None}
    truth = {"1": "x", "2": "x", "3": "y", "4": "y", "5": "y", "other": "z"}
    s = score_assignments(predicted, truth, failed=["5"])
    assert (s.n, s.acc, s.unassigned, s.failed, s.k, s.k_true) == (5, 0.6, 1, 1, 2, 2)
    assert s.ari == pytest.approx(adjusted_rand_score(list("xxyyy"), list("aabnn")))
    assert s.confusion.columns == ["a", "b", "unassigned"]
    assert s.confusion.counts == [[2, 0, 0], [0, 1, 2]]


def test_all_unassigned_scores_nothing() -> None:
    s = score([(None, "x"), (None, "y")])
    assert (s.acc, s.ari, s.nmi, s.k, s.unassigned) == (0, 0, 0, 0, 2)
    assert [c.cluster for c in s.per_class] == [None, None]


def test_clusters_beyond_the_classes_score_nothing_and_empty_clusters_count_in_k() -> None:
    s = score([("a", "x"), ("b", "x"), ("b", "x"), ("c", "y")], clusters=["a", "b", "c", "empty"])
    assert (s.acc, s.k, s.k_true) == (0.75, 4, 2)
    assert [(m.cluster, m.class_, m.n) for m in s.matching] == [("b", "x", 2), ("c", "y", 1)]
    assert s.confusion.columns == ["b", "c", "a", "empty", "unassigned"]
    by_class = {c.class_: c for c in s.per_class}
    assert (by_class["x"].recall, by_class["x"].precision, by_class["x"].f1) == (pytest.approx(2 / 3), 1, 0.8)


def test_images_without_truth_are_left_out_and_counted() -> None:
    s = score_assignments({"1": "a", "2": "b", "3": None}, {"1": "x"})
    assert (s.n, s.without_truth, s.unassigned) == (1, 2, 0)


def test_no_truth_at_all_is_an_error() -> None:
    with pytest.raises(InputError, match="None of the run's images"):
        score_assignments({"1": "a"}, {"2": "x"})


def noisy(n: int, k: int, right: float, seed: int = 0) -> list[tuple[str | None, str]]:
    rng = random.Random(seed)
    truth = [f"c{rng.randrange(k)}" for _ in range(n)]
    return [(t if rng.random() < right else f"c{rng.randrange(k)}", t) for t in truth]


def test_intervals_hold_the_value_and_have_the_width_of_a_binomial() -> None:
    s = score(noisy(2000, 50, 0.7))
    for name in ("acc", "ari", "nmi"):
        assert getattr(s, f"{name}_low") < getattr(s, name) < getattr(s, f"{name}_high")
    expected = 2 * 1.96 * (s.acc * (1 - s.acc) / s.n) ** 0.5
    assert s.acc_high - s.acc_low == pytest.approx(expected, rel=0.15)


def test_intervals_repeat_and_follow_the_seed() -> None:
    rows = noisy(300, 5, 0.8)
    assert score(rows) == score(list(rows))
    assert score(rows, seed=1).nmi_low != score(rows).nmi_low


def test_ten_thousand_images_score_in_time() -> None:
    rows = noisy(10_000, 50, 0.7)
    start = time.perf_counter()
    score(rows)
    assert time.perf_counter() - start < 5


def test_the_json_is_plain() -> None:
    s = score(noisy(200, 4, 0.9), off_list=3)
    data = json.loads(json.dumps(s.to_json(), allow_nan=False))
    assert data["off_list"] == 3 and data["silhouette"] is None
    assert set(data["per_class"][0]) == {"class", "n", "correct", "recall", "precision", "f1", "cluster"}
    assert data == s.to_json()


def test_silhouette_is_scikit_learns_with_cosine_distance() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 5)).astype(np.float32)
    x[7] = 0
    clusters = {str(i): ("solo" if i == 3 else f"c{i % 3}") for i in range(60)}
    vectors = {str(i): row for i, row in enumerate(x)}
    expected = silhouette_score(x.astype(np.float64), [clusters[str(i)] for i in range(60)], metric="cosine")
    assert silhouette(clusters, vectors) == pytest.approx(expected, abs=1e-9)
    scored = score_assignments(clusters, {str(i): "t" for i in range(60)}, vectors=vectors)
    assert scored.silhouette == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("clusters", [{}, {"1": "a", "2": "a"}, {"1": "a", "2": "b"}])
def test_silhouette_is_none_where_it_means_nothing(clusters: dict[str, str]) -> None:
    assert silhouette(clusters, {"1": np.ones(2, np.float32), "2": np.ones(2, np.float32)}) is None


def test_identical_vectors_have_silhouette_zero() -> None:
    one = np.array([0.6, 0.8], np.float32)
    assert silhouette({"1": "a", "2": "a", "3": "b"}, {"1": one, "2": one, "3": one}) == 0


def test_intervals_of_two_images_stay_within_what_is_possible() -> None:
    scores = score_assignments({"a": "x", "b": "x"}, {"a": "p", "b": "q"})
    assert 0 <= scores.acc_low <= scores.acc <= scores.acc_high <= 1
    assert scores.ari_low >= -0.5
    assert scores.nmi_low >= 0
