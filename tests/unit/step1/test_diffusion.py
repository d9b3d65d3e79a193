"""The coarse map joins what small steps join."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans

import step1.diffusion
from step1.diffusion import FEWEST, coarse_map


def strands(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Two rings side by side, each nine times as long as they are apart: kinds seen from all sides."""
    random = np.random.default_rng(0)
    turn, groups = random.uniform(0, 2 * np.pi, 2 * n), np.repeat([0, 1], n)
    rows = np.stack([np.cos(turn), np.sin(turn), 0.7 * groups], 1) + random.normal(0, 0.03, (2 * n, 3))
    return rows.astype(np.float32), groups


def separated(places: np.ndarray, groups: np.ndarray) -> float:
    """The share of images whose cluster (k-means, k = 2) is their group's."""
    found = KMeans(2, n_init=10, random_state=0).fit_predict(places)
    return max(float((found == groups).mean()), float((found != groups).mean()))


def test_strands_come_apart_which_k_means_alone_would_cut_across() -> None:
    rows, groups = strands(150)
    assert separated(rows, groups) < 0.7
    assert separated(coarse_map(rows), groups) > 0.85


def test_rows_are_unit_and_the_same_each_time() -> None:
    rows, _ = strands(100)
    places = coarse_map(rows)
    np.testing.assert_allclose(np.linalg.norm(places, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(places, coarse_map(rows))


def test_large_collections_stand_by_their_landmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step1.diffusion, "LANDMARKS", 120)
    rows, groups = strands(300)
    assert separated(coarse_map(rows), groups) > 0.98


@pytest.mark.parametrize("n", [1, 2, FEWEST - 1, FEWEST])
def test_few_or_equal_images_are_no_trouble(n: int) -> None:
    assert coarse_map(np.ones((n, 5), np.float32)).shape[0] == n
    assert np.isfinite(coarse_map(np.random.default_rng(0).normal(size=(n, 5)).astype(np.float32))).all()
