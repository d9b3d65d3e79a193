"""Which images are unlike all others: far from even those that are nearest to them.

The measure is the mean distance to the nearest others (outliers by nearest neighbours; Ramaswamy et al., SIGMOD 2000).
What is far is judged by the data: a modified z-score above 3.5 (Iglewicz and Hoaglin 1993), with the deviation of the
upper half alone, since distances have a long upper tail, and a collection half of which says the same (deviation near
zero) must not make outliers of its other half. Measured against distances to the cluster's centre and local density
(LOF) in docs/benchmarks.md: ahead of both, since it needs no clusters, and does not excuse what is alone.
"""

from __future__ import annotations

import numpy as np

from ictc.interfaces import Vectors
from ictc.reasoners.nearest import MOST, nearest_rows
from ictc.reasoners.spherical import Array, Index

NEIGHBOURS = 20  # so many alike are a group of their own; 10 find groups of ten less often, else the same
FEWEST = 20  # distinct rows: of fewer, nobody can say what is usual
FAR = 3.5
LEAST = 0.01  # deviation: what lies less than .05 further out than the median says nearly the same
REFERENCE = 8192  # rows, evenly spread over the input, that stand for all above `MOST`


def unlike(rows: Vectors, copies: Index) -> Index:
    """Numbers of the outliers among distinct unit rows [n, d], the most unlike first.

    `copies` [n]: how many images each row stands for. A row with more copies than it would need neighbours is no
    outlier, whatever the others are.
    """
    n = len(rows)
    if n < FEWEST:
        return np.zeros(0, dtype=np.intp)
    most = min(NEIGHBOURS, n // 4)
    among = None if n <= MOST else np.unique(np.linspace(0, n - 1, REFERENCE).astype(np.intp))
    _, alike = nearest_rows(rows, most, among)
    far = deviations(1 - alike.mean(1, dtype=np.float64))
    far[copies > most] = 0
    order = np.argsort(-far, kind="stable")
    found: Index = order[: np.count_nonzero(far > FAR)]
    return found


def deviations(values: Array) -> Array:
    """[n] modified z-scores, by the median absolute deviation of the values that are not below the median."""
    above = values - np.median(values)
    spread = max(float(np.median(above[above >= 0])), LEAST)
    scores: Array = np.round(0.6745 * above / spread, 3)  # rounded, so that the last bits decide nothing
    return scores
