"""Bootstrap intervals (Efron 1979, percentile method) of ACC, ARI and NMI, from the table of counts alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ictc.scoring.metrics import adjusted_rand, normalized_mutual_information

RESAMPLES = 1000
_CELLS_AT_ONCE = 4_000_000  # 32 MB of counts

Interval = tuple[float, float]


def bootstrap(
    table: NDArray[np.int64], matching: Sequence[tuple[int, int]], level: float = 0.95, seed: int = 0
) -> dict[str, Interval]:
    """Intervals for `acc`, `ari` and `nmi` over resamples of the images.

    Drawing images with replacement is a multinomial draw over the cells of the table, so the cost does not grow with
    the number of images. For ACC the matching stays that of the whole sample: which cluster stands for which class is
    settled once, as a user of the clusters would. NMI of a resample runs a little high, so its interval does too.
    The same table and seed give the same intervals.
    """
    rows, cols = np.nonzero(table)
    cells = table[rows, cols]
    n = int(cells.sum())
    matched = np.isin(rows * table.shape[1] + cols, [r * table.shape[1] + c for r, c in matching])
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[NDArray[np.float64]]] = {"acc": [], "ari": [], "nmi": []}
    step = max(1, _CELLS_AT_ONCE // len(cells))
    for start in range(0, RESAMPLES, step):
        counts = rng.multinomial(n, cells / n, size=min(step, RESAMPLES - start)).astype(np.float64)
        drawn["acc"].append(counts[:, matched].sum(axis=1) / n)
        drawn["ari"].append(adjusted_rand(counts, rows, cols))
        drawn["nmi"].append(normalized_mutual_information(counts, rows, cols))
    tail = (1 - level) / 2
    return {name: _between(np.concatenate(values), tail) for name, values in drawn.items()}


def _between(values: NDArray[np.float64], tail: float) -> Interval:
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)
