"""Small deterministic numerics on unit rows, in plain numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from ictc.interfaces import Vectors

Array = NDArray[np.float64]
Index = NDArray[np.intp]

_ROUNDS = 30
_STARTS = 10
_SWAP_ROUNDS = 10
_SWAP_K = 64  # above it a swap round costs more than it gains


def unit(rows: NDArray[np.floating]) -> Array:
    """Rows of unit length in float64; a row of zeros stays zeros."""
    rows = np.asarray(rows, dtype=np.float64)
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    scaled: Array = np.divide(rows, length, out=np.zeros_like(rows), where=length > 1e-12)
    return scaled


def means(rows: Array, groups: Index, k: int) -> Array:
    """[k, d] mean of the rows of each group; zeros for an empty group."""
    order = np.argsort(groups, kind="stable")
    present, starts = np.unique(groups[order], return_index=True)
    found = np.zeros((k, rows.shape[1]))
    found[present] = np.add.reduceat(rows[order], starts, axis=0) / np.bincount(groups, minlength=k)[present, None]
    return found


def k_means(rows: Array, seeds: Array, rounds: int) -> tuple[Index, Array]:
    """Spherical k-means from `seeds` [k, d]: (group [n], unit centres [k, d]). An empty group keeps its centre."""
    centres = unit(seeds)
    groups: Index = (rows @ centres.T).argmax(1)
    for _ in range(rounds):
        moved = unit(means(rows, groups, len(centres)))
        empty = ~moved.any(axis=1)
        moved[empty] = centres[empty]
        fresh = (rows @ moved.T).argmax(1)
        centres = moved
        if np.array_equal(fresh, groups):
            break
        groups = fresh
    return groups, centres


def best_k_means(rows: Array, guess: Index, k: int) -> tuple[Index, Array]:
    """Spherical k-means from `guess` (a group per row) and from ten k-means++ draws with a fixed seed; the tightest.

    The k groups found are numbered so that together they agree with `guess` on as many rows as possible.
    """
    draw = np.random.default_rng(0)
    runs = [k_means(rows, means(rows, guess, k), _ROUNDS)]
    runs += [k_means(rows, rows[_plus_plus(rows, k, draw)], _ROUNDS) for _ in range(_STARTS)]
    groups, centres = max(runs, key=lambda run: round(float((rows * run[1][run[0]]).sum()), 6))
    agree = np.zeros((k, k), dtype=np.int64)
    np.add.at(agree, (guess, groups), 1)
    _, number = linear_sum_assignment(-agree)
    back = np.empty(k, dtype=np.intp)
    back[number] = np.arange(k)
    return back[groups], centres[number]


def _plus_plus(rows: Array, k: int, draw: np.random.Generator) -> list[int]:
    chosen = [int(draw.integers(len(rows)))]
    apart = np.maximum(1 - rows @ rows[chosen[0]], 0)
    while len(chosen) < k:
        total = float(apart.sum())
        fresh = int(draw.choice(len(rows), p=apart / total)) if total > 0 else int(draw.integers(len(rows)))
        chosen.append(fresh)
        apart = np.minimum(apart, np.maximum(1 - rows @ rows[fresh], 0))
    return chosen


def medoids(rows: Vectors | Array, weights: Array, k: int) -> list[int]:
    """Weighted facility location: the k rows that together are most similar to all rows, greedily, then by swaps.

    Maximises sum_i weights[i] * max_j max(0, rows[i] . rows[j]). Needs an m x m matrix: callers keep m below 2,000.
    Returns k distinct indices (k <= m), the greatest gain first.
    """
    alike = np.maximum(rows @ rows.T, 0)
    m = len(alike)
    served = np.zeros(m, dtype=alike.dtype)
    chosen: list[int] = []
    for _ in range(min(k, m)):
        best = _best_addition(alike, weights, served, chosen)
        chosen.append(best)
        served = np.maximum(served, alike[:, best])
    for _ in range(_SWAP_ROUNDS if k <= _SWAP_K else 0):
        before = list(chosen)
        for slot, current in enumerate(chosen):
            rest = [c for i, c in enumerate(chosen) if i != slot]
            served = alike[:, rest].max(1) if rest else np.zeros(m, dtype=alike.dtype)
            best = _best_addition(alike, weights, served, rest)
            if _gain(alike, weights, served, best) > _gain(alike, weights, served, current) * (1 + 1e-6):
                chosen[slot] = best
        if chosen == before:
            break
    return chosen


def _best_addition(alike: NDArray[np.floating], weights: Array, served: NDArray[np.floating], taken: list[int]) -> int:
    gain = weights @ np.maximum(alike - served[:, None], 0)
    gain[taken] = -1.0
    return int(gain.argmax())


def _gain(alike: NDArray[np.floating], weights: Array, served: NDArray[np.floating], column: int) -> float:
    return float(weights @ np.maximum(alike[:, column] - served, 0))
