"""Text centroids: free at pull 0, the texts themselves at pull 1, and between the stated formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictc.errors import UsageError
from ictc.lane.clusterers import cluster
from ictc.lane.textcentroids import SphericalKMeans, TextCentroidKMeans
from ictc.reasoners.spherical import k_means, means, nearest, unit

DRAW = np.random.default_rng(4)
CENTRES = unit(DRAW.standard_normal((5, 16)).astype(np.float32))
TRUTH = DRAW.integers(5, size=300)
ROWS = unit((CENTRES[TRUTH] + 0.15 * DRAW.standard_normal((300, 16))).astype(np.float32))
TEXTS = unit((CENTRES + 0.15 * DRAW.standard_normal((5, 16))).astype(np.float32))


def test_pull_1_is_zero_shot() -> None:
    estimator = TextCentroidKMeans(TEXTS, pull=1)
    assert np.array_equal(estimator.fit_predict(ROWS), (ROWS @ TEXTS.T).argmax(1))
    np.testing.assert_allclose(estimator.cluster_centers_, TEXTS, atol=1e-6)


def test_pull_0_is_free_after_seeding() -> None:
    groups, centres = k_means(ROWS, TEXTS.astype(np.float64), rounds=100)
    estimator = TextCentroidKMeans(TEXTS, pull=0)
    assert np.array_equal(estimator.fit_predict(ROWS), groups)
    np.testing.assert_allclose(estimator.cluster_centers_, centres, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(pull=st.floats(0, 1))
def test_centres_obey_the_formula_and_groups_are_nearest(pull: float) -> None:
    estimator = TextCentroidKMeans(TEXTS, pull=pull)
    groups = estimator.fit_predict(ROWS)
    assert np.array_equal(groups, nearest(ROWS, estimator.cluster_centers_))
    expected = unit((1 - pull) * means(ROWS, groups, 5) + pull * unit(TEXTS.astype(np.float64)))
    np.testing.assert_allclose(estimator.cluster_centers_, expected, atol=1e-9)


def test_a_stronger_pull_keeps_centres_nearer_to_the_texts() -> None:
    near = []
    for pull in (0.0, 0.3, 0.7, 1.0):
        estimator = TextCentroidKMeans(TEXTS, pull=pull)
        estimator.fit_predict(ROWS)
        near.append(float((estimator.cluster_centers_ * TEXTS).sum()))
    assert near == sorted(near)
    assert near[0] < near[-1]


def test_groups_know_their_texts_and_a_text_can_stay_empty() -> None:
    far = np.vstack([TEXTS, -ROWS.mean(0, keepdims=True)]).astype(np.float32)
    found = cluster(ROWS, "text", None, {"pull": "0.4"}, seed=0, texts=unit(far))
    assert found.texts is not None
    assert sorted(found.texts.tolist()) == list(range(6))
    assert found.texts[-1] == 5
    assert np.array_equal(found.texts[found.groups], TRUTH)
    assert found.centres.shape == (6, 16)
    assert found.params == {"pull": 0.4}
    assert any("1 of the 6 texts" in note for note in found.notes)


@pytest.mark.parametrize("pull", [0, 0.4])
def test_a_text_without_images_stays_where_it_is_and_takes_none(pull: float) -> None:
    away = unit(-ROWS.mean(0, keepdims=True))
    estimator = TextCentroidKMeans(np.vstack([TEXTS, away]), pull=pull)
    groups = estimator.fit_predict(ROWS)
    assert 5 not in groups
    np.testing.assert_allclose(estimator.cluster_centers_[5], away[0], atol=1e-6)


def test_more_texts_than_images_are_no_mistake() -> None:
    found = cluster(ROWS[:2], "text", None, {}, seed=0, texts=TEXTS)
    assert found.texts is not None
    assert found.texts[found.groups].tolist() == TRUTH[:2].tolist()


@pytest.mark.parametrize("pull", ["-0.1", "1.5", "nan", "much", "none"])
def test_a_pull_that_is_none(pull: str) -> None:
    with pytest.raises(UsageError, match=r"from 0 to 1"):
        cluster(ROWS, "text", None, {"pull": pull}, seed=0, texts=TEXTS)


def test_texts_that_do_not_fit() -> None:
    with pytest.raises(UsageError, match=r"8 wide.*16"):
        cluster(ROWS, "text", None, {}, seed=0, texts=TEXTS[:, :8])
    with pytest.raises(UsageError, match="-k 4 does not fit the 5 texts"):
        cluster(ROWS, "text", 4, {}, seed=0, texts=TEXTS)
    with pytest.raises(UsageError, match="need texts"):
        cluster(ROWS, "text", 5, {}, seed=0)


def test_spherical_finds_directions_whatever_the_lengths() -> None:
    lengths = DRAW.uniform(0.1, 10, size=(300, 1)).astype(np.float32)
    one, other = (SphericalKMeans(5, random_state=0).fit_predict(rows) for rows in (ROWS, ROWS * lengths))
    assert np.array_equal(one, other)
    assert len({(a, b) for a, b in zip(one.tolist(), TRUTH.tolist(), strict=True)}) == 5
