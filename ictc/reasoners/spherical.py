"""Small deterministic numerics on unit rows, in plain numpy."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ictc.interfaces import Vectors

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_Float = TypeVar("_Float", bound=np.floating)

BLOCK = 4096  # rows that are widened to float64 at a time
_ROUNDS = 30
_STARTS = 50  # in low dimensions they cost little; with 10 the best of them still varied by .03 in accuracy
_SAMPLE = 8192  # rows that starts are tried on
_SWAP_ROUNDS = 10
_SWAP_K = 64  # above it a swap round costs more than it gains


def unit(rows: NDArray[_Float], out: NDArray[_Float] | None = None) -> NDArray[_Float]:
    """Rows of unit length, of the same precision; a row of zeros stays zeros. `out` may be `rows` itself."""
    length = np.sqrt(np.einsum("...i,...i->...", rows, rows, dtype=np.float64))[..., None]
    scaled = np.zeros_like(rows) if out is None else out
    np.divide(rows, length.astype(rows.dtype), out=scaled, where=length > 1e-12)
    return scaled


def means(rows: NDArray[np.floating], groups: Index, k: int) -> Array:
    """[k, d] mean of the rows of each group; zeros for an empty group, and rows of group -1 count nowhere.

    Summed in float64 a block at a time, so that no copy of all rows is made.
    """
    found = np.zeros((k, rows.shape[1]))
    for start in range(0, len(rows), BLOCK):
        block = groups[start : start + BLOCK]
        order = np.argsort(block, kind="stable")[np.count_nonzero(block < 0) :]
        if len(order):
            present, starts = np.unique(block[order], return_index=True)
            found[present] += np.add.reduceat(rows[start + order], starts, axis=0, dtype=np.float64)
    return found / np.maximum(np.bincount(groups[groups >= 0], minlength=k), 1)[:, None]


def k_means(rows: NDArray[_Float], seeds: Array, rounds: int, held: Index | None = None) -> tuple[Index, Array]:
    """Spherical k-means from `seeds` [k, d]: (group [n], unit centres [k, d]). An empty group keeps its centre.

    `held` [n]: the group of rows that must not leave it, -1 for the others.
    """
    centres = unit(seeds)
    groups = _nearest_or_held(rows, centres, held)
    for _ in range(rounds):
        moved = unit(means(rows, groups, len(centres)))
        empty = ~moved.any(axis=1)
        moved[empty] = centres[empty]
        fresh = _nearest_or_held(rows, moved, held)
        centres = moved
        if np.array_equal(fresh, groups):
            break
        groups = fresh
    return groups, centres


def nearest(rows: NDArray[np.floating], centres: Array) -> Index:
    """[n] the centre that each row is most similar to. A block at a time: of many rows and centres, the likeness alone
    would fill the memory."""
    if len(rows) <= BLOCK:
        found: Index = likeness(rows, centres).argmax(1)
        return found
    return np.concatenate([nearest(rows[start : start + BLOCK], centres) for start in range(0, len(rows), BLOCK)])


def _nearest_or_held(rows: NDArray[np.floating], centres: Array, held: Index | None) -> Index:
    near = nearest(rows, centres)
    return near if held is None else np.where(held >= 0, held, near)


def likeness(rows: NDArray[_Float], centres: Array) -> NDArray[_Float]:
    """[n, k] similarity of rows to centres, in the precision of the rows: these are not copied to a wider one."""
    alike: NDArray[_Float] = rows @ centres.T.astype(rows.dtype)
    return alike


def best_k_means(rows: NDArray[np.floating], guess: Index, k: int) -> tuple[Index, Array]:
    """Spherical k-means from `guess` (a group per row) and from fifty k-means++ draws with a fixed seed; the tightest.

    The k groups found are numbered so that together they agree with `guess` on as many rows as possible.
    """
    from scipy.optimize import linear_sum_assignment

    draw = np.random.default_rng(0)
    some = rows[:: -(-len(rows) // _SAMPLE)]
    starts = [means(rows, guess, k), *(some[plus_plus(some, k, draw)].astype(np.float64) for _ in range(_STARTS))]
    tried = (k_means(some, start, _ROUNDS) for start in starts)
    _, centres = max(tried, key=lambda run: round(_tightness(some, *run), 6))
    groups, centres = k_means(rows, centres, _ROUNDS)
    agree = np.zeros((k, k), dtype=np.int64)
    np.add.at(agree, (guess, groups), 1)
    _, number = linear_sum_assignment(-agree)
    back = np.empty(k, dtype=np.intp)
    back[number] = np.arange(k)
    return back[groups], centres[number]


def _tightness(rows: NDArray[np.floating], groups: Index, centres: Array) -> float:
    """Sum of every row's similarity to its centre."""
    return float((means(rows, groups, len(centres)) * centres).sum(1) @ np.bincount(groups, minlength=len(centres)))


def plus_plus(rows: NDArray[np.floating], k: int, draw: np.random.Generator) -> list[int]:
    """k rows drawn far apart: each with a chance that grows with its distance from those before it."""
    chosen = [int(draw.integers(len(rows)))]
    apart = _apart(rows, chosen[0])
    while len(chosen) < k:
        total = float(apart.sum())
        fresh = int(draw.choice(len(rows), p=apart / total)) if total > 0 else int(draw.integers(len(rows)))
        chosen.append(fresh)
        apart = np.minimum(apart, _apart(rows, fresh))
    return chosen


def _apart(rows: NDArray[np.floating], one: int) -> Array:
    apart: Array = np.maximum(1 - (rows @ rows[one]).astype(np.float64), 0)
    return apart


def medoids(rows: Vectors | Array, weights: Array, k: int) -> list[int]:
    """Weighted facility location: the k rows that together are most similar to all rows, greedily, then by swaps.

    Maximises sum_i weights[i] * max_j max(0, rows[i] . rows[j]). Needs an m x m matrix: callers keep m below 2,000.
    Returns k distinct indices (k <= m), the greatest gain first.
    """
    alike = np.maximum(rows @ rows.T, 0)
    m = len(alike)
    chosen = _greedy(alike, weights, k)
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


def nested_medoids(rows: Vectors | Array, weights: Array, k: int) -> list[int]:
    """`medoids` without the swaps, which cost most of its time: the first j of the k rows are those for j."""
    return _greedy(np.maximum(rows @ rows.T, 0), weights, k)


def _greedy(alike: NDArray[np.floating], weights: Array, k: int) -> list[int]:
    served = np.zeros(len(alike), dtype=alike.dtype)
    chosen: list[int] = []
    for _ in range(min(k, len(alike))):
        best = _best_addition(alike, weights, served, chosen)
        chosen.append(best)
        served = np.maximum(served, alike[:, best])
    return chosen


def _best_addition(alike: NDArray[np.floating], weights: Array, served: NDArray[np.floating], taken: list[int]) -> int:
    gain = weights @ np.maximum(alike - served[:, None], 0)
    gain[taken] = -1.0
    return int(gain.argmax())


def _gain(alike: NDArray[np.floating], weights: Array, served: NDArray[np.floating], column: int) -> float:
    return float(weights @ np.maximum(alike[:, column] - served, 0))
