"""The view vectors are clustered in: how much of it is evened follows from the number of images."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from ictc.interfaces import Vectors
from ictc.lane.evening import view_of
from ictc.reasoners.spherical import unit


def kinds(n: int, seed: int, apart: float = 6.0, broad: float = 1.0) -> tuple[Vectors, np.ndarray]:
    """`n` images of 5 kinds that differ in 4 of 128 directions, on noise; one more direction (light) may be `broad`."""
    draw = np.random.default_rng(seed)
    of = np.arange(n) % 5
    rows = draw.normal(size=(n, 128))
    rows[:, :5] += apart * np.eye(5)[of]
    rows[:, 5] *= broad
    return rows.astype(np.float32), of


def agreement(rows: Vectors, of: np.ndarray, space: str) -> float:
    seen = view_of(rows, space).of(rows)
    return float(adjusted_rand_score(of, KMeans(5, n_init=10, random_state=0).fit_predict(seen)))


def evened(rows: Vectors) -> Vectors:
    """All 64 directions, as where there are images enough."""
    centred = (rows - rows.mean(0)).astype(np.float64)
    variance, axes = np.linalg.eigh(centred.T @ centred / len(rows))
    broad = np.flatnonzero(variance > 1e-9 * variance[-1])[-64:]
    return unit(centred @ (axes[:, broad] * variance[broad] ** -0.25)).astype(np.float32)


@pytest.mark.parametrize("n", [64, 80])
def test_few_images_are_told_apart_as_well_as_without_evening(n: int) -> None:
    found = [[agreement(*kinds(n, seed), space) for seed in range(6)] for space in ("evened", "plain")]
    assert np.mean(found[0]) > np.mean(found[1]) - 0.05
    assert np.mean(found[0]) > 0.8


def test_a_broad_direction_drowns_nothing_also_where_images_are_few() -> None:
    parts = [kinds(80, seed, apart=7, broad=12) for seed in range(6)]
    default, plain = (np.mean([agreement(*part, space) for part in parts]) for space in ("evened", "plain"))
    assert default > plain + 0.2


def test_many_images_are_evened_in_all_64_directions_and_very_few_in_none() -> None:
    many, _ = kinds(1000, 0)
    seen = view_of(many, "evened").of(many)
    assert seen.shape == (1000, 64)
    assert np.allclose(seen @ seen.T, evened(many) @ evened(many).T, atol=1e-4)
    few, _ = kinds(19, 0)
    seen, alone = view_of(few, "evened").of(few), unit(few - few.mean(0))
    assert np.allclose(seen @ seen.T, alone @ alone.T, atol=1e-4)


def test_between_them_the_broadest_are_evened_and_the_order_of_the_others_is_kept() -> None:
    rows, _ = kinds(200, 0)
    axes = view_of(rows, "evened").axes
    assert axes is not None
    spread = ((rows - rows.mean(0)) @ axes).std(0)[::-1]
    scale = np.linalg.norm(axes, axis=0)[::-1]
    assert (np.diff(scale[:20]) > 0).all(), "the broader, the more is taken off"
    assert (np.diff(spread) < 0).all()
    assert np.allclose(scale[20:], scale[19], rtol=1e-3), "the others are all scaled alike"


def test_standardised_are_the_z_scores_of_what_differs() -> None:
    from sklearn.preprocessing import StandardScaler

    rows, _ = kinds(50, 0)
    rows *= np.logspace(-6, 3, 128).astype(np.float32)
    rows[:, 7] = 0.1  # the same in all images
    seen = view_of(rows, "standardised").of(rows)
    wanted = StandardScaler().fit_transform(np.delete(rows, 7, axis=1).astype(np.float64))
    assert seen.shape == (50, 127)
    np.testing.assert_allclose(seen, wanted, atol=1e-4)
