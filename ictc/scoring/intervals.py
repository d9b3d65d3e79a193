"""Bootstrap intervals (Efron 1979) of ACC, ARI and NMI, from the table of counts alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ictc.scoring.metrics import Index, adjusted_rand, normalized_mutual_information

RESAMPLES = 1000
_CELLS_AT_ONCE = 4_000_000  # 32 MB of counts

Interval = tuple[float, float]

_LEAST = np.array([0.0, -0.5, 0.0])  # of ACC, ARI (Chacon and Rastrojo 2023) and NMI: no interval reaches below


def bootstrap(
    table: NDArray[np.int64], matching: Sequence[tuple[int, int]], level: float = 0.95, seed: int = 0
) -> dict[str, Interval]:
    """Intervals for `acc`, `ari` and `nmi` over resamples of the images.

    Drawing images with replacement is a multinomial draw over the cells of the table, so the cost does not grow with
    the number of images. For ACC the matching stays that of the whole sample: which cluster stands for which class is
    settled once, as a user of the clusters would. ARI and NMI of a resample run high (an image drawn twice agrees with
    itself), by more than their spread where cells are many, so the resamples are centred on the sample's own value.
    The same table and seed give the same intervals.
    """
    rows, cols = np.nonzero(table)
    cells = table[rows, cols]
    n = int(cells.sum())
    matched = np.isin(rows * table.shape[1] + cols, [r * table.shape[1] + c for r, c in matching])
    rng = np.random.default_rng(seed)
    step = max(1, _CELLS_AT_ONCE // len(cells))
    sizes = [min(step, RESAMPLES - start) for start in range(0, RESAMPLES, step)]
    drawn = [_scores(rng.multinomial(n, cells / n, size=size), rows, cols, matched) for size in sizes]
    sample = _scores(cells[None], rows, cols, matched)[:, 0]
    resamples = np.concatenate(drawn, axis=1)
    centred = resamples + (sample - resamples.mean(axis=1))[:, None]
    tail = (1 - level) / 2
    bounds = np.clip(np.quantile(centred, [tail, 1 - tail], axis=1), _LEAST, 1.0)
    return {name: (float(low), float(high)) for name, low, high in zip(("acc", "ari", "nmi"), *bounds, strict=True)}


def _scores(drawn: NDArray[np.int64], rows: Index, cols: Index, matched: NDArray[np.bool_]) -> NDArray[np.float64]:
    """ACC, ARI and NMI [3, b] of a batch of tables."""
    counts = drawn.astype(np.float64)
    acc = counts[:, matched].sum(axis=1) / counts.sum(axis=1)
    return np.stack([acc, adjusted_rand(counts, rows, cols), normalized_mutual_information(counts, rows, cols)])
