"""The nearest rows of every row, by comparing all with all (or with some) a block at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ictc.reasoners.spherical import Index

MOST = 30_000  # rows that are compared all with all: a minute of one core
_BLOCK = 128  # rows compared with all others at a time


def nearest_rows(rows: NDArray[np.floating], k: int, among: Index | None = None) -> tuple[Index, NDArray[np.floating]]:
    """For unit rows [n, d] the k others most similar to each, in no order: (their numbers [n, k], similarity [n, k]).

    `among`: ascending numbers of the rows that count as others, more than k; all where None.
    """
    n = len(rows)
    others = np.arange(n) if among is None else among
    compared = rows if among is None else rows[among]
    near = np.empty((n, k), dtype=np.intp)
    alike = np.empty((n, k), dtype=rows.dtype)
    for start in range(0, n, _BLOCK):
        apart = -rows[start : start + _BLOCK] @ compared.T
        first, last = np.searchsorted(others, (start, start + len(apart)))
        apart[others[first:last] - start, np.arange(first, last)] = np.inf
        part = np.argpartition(apart, k, axis=1)[:, :k]
        near[start : start + _BLOCK] = others[part]
        alike[start : start + _BLOCK] = -np.take_along_axis(apart, part, 1)
    return near, alike
