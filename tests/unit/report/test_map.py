"""The 2-D map: deterministic, honest about its sample, quiet about what cannot be drawn."""

import numpy as np
import pytest

from ictc.report.map import MAX_POINTS, layout, sample


def blobs(n: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (np.eye(3, 16)[np.arange(n) % 3] * 8 + rng.normal(size=(n, 16))).astype(np.float32)


def test_same_vectors_same_map():
    x = blobs(60)
    first = layout(x)
    assert first.shape == (60, 2)
    assert np.array_equal(first, layout(x.copy()))


def test_groups_stay_together():
    xy = layout(blobs(90))
    centres = np.array([xy[i::3].mean(axis=0) for i in range(3)])
    nearest = np.linalg.norm(xy[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == np.arange(90) % 3).mean() > 0.95


@pytest.mark.parametrize("distinct", [2, 4, 30])
def test_equal_vectors_get_one_position(distinct):
    x = blobs(distinct)[np.arange(120) % distinct]
    xy = layout(x)
    assert len(np.unique(xy, axis=0)) == distinct
    assert np.array_equal(xy, xy[np.arange(120) % distinct])


@pytest.mark.parametrize("x", [np.ones((4, 3)), np.ones((50, 3)), np.zeros((50, 3)), np.zeros((10, 0))])
def test_nothing_to_draw_is_none(x):
    assert layout(x.astype(np.float32)) is None


@pytest.mark.parametrize("d", [1, 2, 3])
def test_few_dimensions_and_missing_values_are_drawn(d):
    x = np.random.default_rng(0).normal(size=(12, d)).astype(np.float32)
    x[3, 0] = np.nan
    assert np.isfinite(layout(x)).all()


def test_many_images_are_sampled_without_repeats():
    assert sample(MAX_POINTS).tolist() == list(range(MAX_POINTS))
    rows = sample(10_000)
    assert len(set(rows.tolist())) == MAX_POINTS
    assert (np.diff(rows) > 0).all()
    assert np.array_equal(rows, sample(10_000))
