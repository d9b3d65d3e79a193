"""Images that lie oddly: far from their own cluster, or right beside one of another. On unit rows [n, d]."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ictc.interfaces import Vectors
from ictc.reasoners.spherical import BLOCK, Index, means, unit

FAR = 3.5
"""Modified z-score (by median and median deviation) below which an image is an outlier of its cluster (Iglewicz and
Hoaglin, 1993)."""
FEWEST = 8
"""Images of a cluster below which its spread says nothing."""
EACH = 3
"""Pairs of neighbours that are told for the same two clusters, at most."""

Pair = tuple[int, int, float]
_NORMAL = 0.6745  # of a normal distribution's standard deviation: its median deviation


def outliers(rows: Vectors, groups: Index, k: int) -> list[list[tuple[int, float]]]:
    """For each group, rows and their cosine to its centre, where that is oddly small; the farthest first."""
    centres = unit(means(rows, groups, k))
    found: list[list[tuple[int, float]]] = []
    for group in range(k):
        inside = np.flatnonzero(groups == group)
        if len(inside) < FEWEST:
            found.append([])
            continue
        alike = rows[inside].astype(np.float64) @ centres[group]
        off = alike - np.median(alike)
        spread = float(np.median(np.abs(off)))
        far = np.flatnonzero(_NORMAL * off < -FAR * max(spread, 1e-9))
        order = far[np.argsort(alike[far], kind="stable")]
        found.append([(int(inside[i]), round(float(alike[i]), 4)) for i in order])
    return found


def across(rows: Vectors, groups: Index, most: int) -> list[Pair]:
    """The pairs of rows of different groups that lie nearest; each row in one pair, `EACH` for the same two groups."""
    kept: list[Pair] = []
    used: set[int] = set()
    times: Counter[frozenset[int]] = Counter()
    for i, j, alike in _nearest(rows, groups):
        both = frozenset((int(groups[i]), int(groups[j])))
        if i in used or j in used or times[both] >= EACH:
            continue
        used |= {i, j}
        times[both] += 1
        kept.append((i, j, alike))
        if len(kept) == most:
            break
    return kept


def near(rows: Vectors, least: float, apart: Sequence[str] = ()) -> list[Pair]:
    """Each row with the one that is most like it, where their cosine is at least `least`; the most alike first. Rows
    that `apart` [n] calls the same are no pair."""
    same = np.unique(np.asarray(apart), return_inverse=True)[1].ravel() if apart else np.arange(len(rows))
    return [pair for pair in _nearest(rows, same) if pair[2] >= least]


def _nearest(rows: Vectors, groups: Index | NDArray[np.intp]) -> list[Pair]:
    """Each row of a group with its nearest row of another, once for both; the nearest first. Time grows with n²."""
    found: dict[tuple[int, int], float] = {}
    inside = groups >= 0
    if len(np.unique(groups[inside])) < 2:
        return []
    for start in range(0, len(rows), BLOCK):
        block = np.arange(start, min(start + BLOCK, len(rows)))[inside[start : start + BLOCK]]
        alike = rows[block] @ rows.T
        alike[(groups[block][:, None] == groups[None]) | ~inside[None]] = -np.inf
        best = alike.argmax(axis=1)
        for i, j, value in zip(block.tolist(), best.tolist(), alike[np.arange(len(block)), best].tolist(), strict=True):
            found.setdefault((min(i, j), max(i, j)), value)
    return sorted(((i, j, round(v, 4)) for (i, j), v in found.items()), key=lambda pair: (-pair[2], pair[:2]))
