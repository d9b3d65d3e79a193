"""Which images are described: first those that stand for all the others, then those that stand for what is in doubt.

Both by facility location (Nemhauser, Wolsey and Fisher 1978): greedily the image that adds most to how much all images
are like the nearest one chosen, each counting as often as it is there, or as much as it is doubtful. A small group far
from the rest is chosen as soon as it gains more than another image amid a large one. The first m are those for m, so
that a larger sample contains a smaller one.

All with all would not fit for many images. Of more than `CANDIDATES`, those are drawn by k-means++ (Arthur and
Vassilvitskii 2007), which finds small groups too, from at most `DRAWN` spread evenly; each stands for the images
nearest to it (a coreset: Bachem, Lucic and Krause 2018). Nothing hangs on the criterion: the same images and seed give
the same sample.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ictc.interfaces import Vectors
from ictc.reasoners.spherical import BLOCK, Array, Index, nearest, plus_plus

CANDIDATES = 2000
DRAWN = 100_000


class Cover:
    """Of `rows` [n, d] (unit), each there `counts` [n] times. Numbers are of rows."""

    def __init__(self, rows: Vectors, counts: Index, seed: int) -> None:
        self._rows = rows
        self._counts = counts.astype(np.float64)
        self._seed = seed

    def first(self, m: int) -> list[int]:
        """[<= m] that cover all, those that gain most first."""
        from threadpoolctl import threadpool_limits

        m, n = min(m, len(self._rows)), len(self._rows)
        with threadpool_limits(1):  # else the last bits, and with them a choice, depend on the number of threads
            if n <= CANDIDATES:
                return _greedy(self._rows, self._counts, [], m)
            step = -(-n // max(DRAWN, 2 * m))
            some = self._rows[::step]
            drawn = list(dict.fromkeys(plus_plus(some, max(m, CANDIDATES), np.random.default_rng(self._seed))))
            numbers = np.asarray(drawn, dtype=np.intp) * step
            candidates, later = numbers[:CANDIDATES], numbers[CANDIDATES:]
            cells = nearest(self._rows, self._rows[candidates].astype(np.float64))
            weights = np.bincount(cells, self._counts, len(candidates)).astype(np.float64)
            chosen = _greedy(self._rows[candidates], weights, [], min(m, len(candidates)))
            return [*candidates[chosen].tolist(), *later.tolist()][:m]

    def doubtful(self, doubt: Array, taken: Sequence[int], m: int) -> list[int]:
        """[<= m] besides `taken` that cover what is in doubt: `doubt` [n], from 0 to 1. Of many, candidates are drawn
        as often as they are doubtful."""
        from threadpoolctl import threadpool_limits

        worth = doubt * self._counts
        worth[list(taken)] = 0
        left = np.flatnonzero(worth > 0)
        m = min(m, len(left))
        if not m:
            return []
        if len(left) > CANDIDATES:
            share = worth[left] / worth[left].sum()
            draw = np.random.default_rng(self._seed)
            left = np.sort(draw.choice(left, max(m, CANDIDATES), replace=False, p=share))
            worth = np.ones(len(worth))
        with threadpool_limits(1):
            chosen = _greedy(self._rows[left], worth[left], self._rows[list(taken)], m)
        return [int(left[i]) for i in chosen]


def _greedy(rows: Vectors, weights: Array, before: Vectors | Sequence[int], m: int) -> list[int]:
    """m of the rows, where the rows `before` are chosen already."""
    alike = np.maximum(rows @ rows.T, 0)
    served = np.zeros(len(rows), dtype=alike.dtype)
    if len(before):
        known = np.asarray(before, dtype=rows.dtype)
        for start in range(0, len(known), BLOCK):
            served = np.maximum(served, (rows @ known[start : start + BLOCK].T).max(1))
    weighing, chosen = weights.astype(alike.dtype), list[int]()
    for _ in range(m):
        gain = weighing @ np.maximum(alike - served[:, None], 0)
        gain[chosen] = -1
        best = int(gain.argmax())
        chosen.append(best)
        served = np.maximum(served, alike[:, best])
    return chosen
