"""Pairing and fusion against their formulas."""

from __future__ import annotations

import numpy as np
import pytest

from ictc.errors import UsageError
from ictc.interfaces import Vectors
from ictc.lane.evening import view_of
from ictc.lane.fusion import fused
from ictc.lane.pairing import paired, shares


def rows(n: int, d: int, seed: int) -> Vectors:
    drawn = np.random.default_rng(seed).normal(size=(n, d))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


V, T = rows(50, 8, 0), rows(4, 8, 1)


def test_best_is_the_nearest_prompt_in_any_order() -> None:
    found = paired(V, T, "best")
    assert all((found[i] == max(T, key=lambda t, v=v: float(v @ t))).all() for i, v in enumerate(V))
    assert (paired(V, T[[2, 0, 3, 1]], "best") == found).all(), "swapped prompts pair as task's do"


def test_soft_is_the_weighted_mean_and_sharpens_to_best() -> None:
    odds = np.exp(7.0 * (V @ T.T).astype(float))
    expected = (odds / odds.sum(1, keepdims=True)) @ T
    assert np.allclose(paired(V, T, "soft", scale=7.0), expected, atol=1e-6)
    assert np.allclose(paired(V, T, "soft", scale=1e6), paired(V, T, "best"), atol=1e-3)
    assert np.allclose(shares(V @ T.T).sum(1), 1)


def test_label_is_the_true_class_and_the_nearest_where_it_is_unknown() -> None:
    truth = np.arange(50) % 4
    truth[::5] = -1
    found = paired(V, T, "label", truth)
    assert (found[truth >= 0] == T[truth[truth >= 0]]).all()
    assert (found[truth < 0] == paired(V, T, "best")[truth < 0]).all()


def test_formulas_of_fusion() -> None:
    partners = paired(V, T, "best")
    assert np.allclose(fused(V, partners, "mean"), (V + partners) / 2, atol=1e-7)
    assert np.allclose(fused(V, partners, "sum", 0.3), 0.7 * V + 0.3 * partners, atol=1e-7)
    assert np.allclose(fused(V, partners, "sum"), fused(V, partners, "mean"), atol=1e-7)
    assert np.allclose(fused(V, partners, "sum", 0), V) and np.allclose(fused(V, partners, "sum", 1), partners)
    both = fused(V, partners, "concat", 0.3)
    assert both.shape == (50, 16) and np.allclose(np.linalg.norm(both, axis=1), 1, atol=1e-6)
    assert np.allclose(both @ both.T, 0.7 * V @ V.T + 0.3 * partners @ partners.T, atol=1e-6)


@pytest.mark.parametrize("space", ["evened", "plain"])
@pytest.mark.parametrize("n", [50, 300])
def test_a_generic_prompt_is_taken_away_with_the_mean(space: str, n: int) -> None:
    images = rows(n, 8, 2) + 3 * T[:1]
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    together = fused(images, np.repeat(T[:1], n, axis=0), "mean")
    alone, both = view_of(images, space).of(images), view_of(together, space).of(together)
    assert np.allclose(alone @ alone.T, (4 if space == "plain" else 1) * both @ both.T, atol=1e-3)
    assert np.linalg.norm(alone, axis=1).std() < 1e-6 or space == "plain"


def test_evening_brings_broad_and_narrow_directions_together() -> None:
    drawn = np.random.default_rng(0).normal(size=(2000, 2)).astype(np.float32) * np.float32([16, 1])
    seen = view_of(drawn, "evened")
    assert seen.axes is not None and np.isclose(
        (drawn @ seen.axes).std(0).max() / (drawn @ seen.axes).std(0).min(), 4, rtol=0.1
    )


def test_rows_that_are_all_the_same_become_zeros_or_one_row() -> None:
    for n in (1, 100):
        same = np.repeat(V[:1], n, axis=0)
        for space in ("evened", "plain"):
            assert len(np.unique(view_of(same, space).of(same), axis=0)) == 1


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: paired(V, T, "worst"), "no pairing 'worst'"),
        (lambda: paired(V, T, "label"), "needs the true classes"),
        (lambda: paired(V, T[:, :5], "best"), "two spaces"),
        (lambda: fused(V, V, "product"), "no fusion 'product'"),
        (lambda: fused(V, V, "sum", 1.2), "between 0 and 1"),
        (lambda: fused(V, V, "sum", float("nan")), "between 0 and 1"),
    ],
)
def test_what_cannot_be(call, said: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UsageError, match=said):
        call()
