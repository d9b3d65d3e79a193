"""Agreement between two partitions, computed from their table of counts, and silhouette. Pure numpy and scipy.

A partition pair is given as its non-empty cells: `counts` float64 [b, m] (b tables at once, as a bootstrap needs),
`rows` and `cols` int [m] the row (class) and column (cluster) of each cell. All tables in a batch hold the same total.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ictc.interfaces import Vectors

Counts = NDArray[np.float64]
Index = NDArray[np.intp]


def hungarian(table: NDArray[np.int64]) -> list[tuple[int, int]]:
    """The one-to-one pairs (row, column) with the largest sum; pairs that share nothing are left out."""
    from scipy.optimize import linear_sum_assignment

    rows, cols = linear_sum_assignment(table, maximize=True)
    return [(int(r), int(c)) for r, c in zip(rows, cols, strict=True) if table[r, c] > 0]


def adjusted_rand(counts: Counts, rows: Index, cols: Index) -> Counts:
    """Adjusted Rand index [b] (Hubert and Arabie 1985), from pairs of images; 1 where both partitions are trivial."""
    n = counts.sum(axis=1)
    together = (counts**2).sum(axis=1)
    in_row = (_totals(counts, rows) ** 2).sum(axis=1)
    in_col = (_totals(counts, cols) ** 2).sum(axis=1)
    both, only_row, only_col = together - n, in_row - together, in_col - together
    neither = n**2 - in_row - in_col + together
    over = (both + only_row) * (only_row + neither) + (both + only_col) * (only_col + neither)
    same = (only_row == 0) & (only_col == 0)
    score = 2 * (both * neither - only_row * only_col) / np.where(same, 1, over)
    return np.where(same, 1.0, score)


def normalized_mutual_information(counts: Counts, rows: Index, cols: Index) -> Counts:
    """NMI [b] with the arithmetic mean of the entropies; 1 where both partitions are one group, as in scikit-learn."""
    n = counts.sum(axis=1)
    h_rows = _entropy(_totals(counts, rows), n)
    h_cols = _entropy(_totals(counts, cols), n)
    shared = np.maximum(h_rows + h_cols - _entropy(counts, n), 0)
    mean = (h_rows + h_cols) / 2
    return np.where(mean == 0, 1.0, shared / np.where(mean == 0, 1, mean))


def silhouette(clusters: Mapping[str, str], vectors: Mapping[str, Vectors]) -> float | None:
    """The mean of `silhouettes`."""
    each = silhouettes(clusters, vectors)
    return None if each is None else float(np.mean(list(each.values())))


def silhouettes(clusters: Mapping[str, str], vectors: Mapping[str, Vectors]) -> dict[str, float] | None:
    """Silhouette (Rousseeuw 1987) under cosine distance, of each image of `clusters` that has a vector.

    Exact and linear in the number of images: with unit rows, the mean distance to a cluster is one minus the product
    with its mean. A cluster of one scores 0. None when fewer than two clusters, or every image its own.
    """
    names = sorted(clusters.keys() & vectors.keys())
    groups, member = np.unique([clusters[n] for n in names], return_inverse=True)
    k, n = len(groups), len(names)
    if not 2 <= k < n:
        return None
    x = np.stack([vectors[name] for name in names]).astype(np.float64)
    length = np.linalg.norm(x, axis=1, keepdims=True)
    x = np.divide(x, length, out=np.zeros_like(x), where=length > 0)
    size = np.bincount(member, minlength=k)
    sums = np.zeros((k, x.shape[1]))
    np.add.at(sums, member, x)
    distance = size - x @ sums.T  # [n, k], summed over the members of each cluster
    own, me = size[member], np.arange(n)
    to_self = 1 - (x**2).sum(axis=1)  # 0, or 1 for a zero row, which is no distance to itself
    inside = (distance[me, member] - to_self) / np.maximum(own - 1, 1)
    mean = distance / size
    mean[me, member] = np.inf
    nearest = mean.min(axis=1)
    larger = np.maximum(inside, nearest)
    score = np.where((own > 1) & (larger > 1e-12), (nearest - inside) / np.maximum(larger, 1e-12), 0.0)
    return dict(zip(names, score.tolist(), strict=True))


def _totals(counts: Counts, group: Index) -> Counts:
    """Sums [b, g] of the cells of each group."""
    from scipy.sparse import csr_array

    cells = np.arange(len(group))
    indicator = csr_array((np.ones(len(group)), (cells, group)), shape=(len(group), int(group.max()) + 1))
    return np.asarray(counts @ indicator)


def _entropy(counts: Counts, n: Counts) -> Counts:
    p = counts / n[:, None]
    return np.asarray(-(p * np.log(p, out=np.zeros_like(p), where=p > 0)).sum(axis=1))
