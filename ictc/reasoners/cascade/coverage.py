"""Which descriptions to label when not all are: some that lie amid all the others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ictc.reasoners.spherical import Index, k_means, likeness, plus_plus

_SAMPLE = 8192  # rows that the cells are found on
_ROUNDS = 10


def cover(rows: NDArray[np.floating], m: int) -> Index:
    """[<= m] distinct row numbers, in order.

    The cells of spherical k-means from a k-means++ draw (Arthur and Vassilvitskii, 2007), each with the row nearest to
    its centre: dense regions get their share, and what is far from all the rest gets a cell of its own.
    """
    step = -(-len(rows) // _SAMPLE)
    some = rows[::step]
    seeds = some[plus_plus(some, min(m, len(some)), np.random.default_rng(0))]
    groups, centres = k_means(some, seeds.astype(np.float64), _ROUNDS)
    near = likeness(some, centres)
    chosen = {int(np.where(groups == g, near[:, g], -np.inf).argmax()) * step for g in np.unique(groups)}
    return np.asarray(sorted(chosen), dtype=np.intp)
