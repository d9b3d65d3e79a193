"""Groups smoothed over the graph of nearest neighbours: what most of a description's neighbours are, it is too.

Label spreading, Zhou et al., "Learning with Local and Global Consistency" (NIPS 2003): F = (1 - a) (I - a S)^-1 Y,
with S = D^-1/2 W D^-1/2. A centre draws a straight border; neighbours follow the descriptions' own shape. CIFAR-10
.9167 -> .9203, PPMI-7 .9571 -> .9571 (docs/benchmarks.md); 10 to 30 neighbours and an a of .8 to .99 move them by .003
and .001. What was measured on images gained nothing by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ictc.reasoners.nearest import MOST, nearest_rows
from ictc.reasoners.spherical import Array, Index

if TYPE_CHECKING:
    from scipy.sparse import csr_array

NEIGHBOURS = 20
LEAST = 5  # with fewer neighbours the graph falls apart
ALPHA = 0.9
POWER = 4  # of the cosine: near neighbours count more
ROUNDS = 50  # .9 ** 50 < .01: what is left to come moves no group


def neighbours(rows: NDArray[np.floating], k: int) -> csr_array | None:
    """The normalised symmetric graph S [n, n] of unit rows in `k` groups; None where they are too few or too many.

    A row has at most as many neighbours as a quarter of a group has rows, so that small groups are not drowned.
    """
    from scipy.sparse import csr_array, diags_array

    n = len(rows)
    most = min(NEIGHBOURS, n // (4 * k))
    if most < LEAST or n > MOST:
        return None
    near, alike = nearest_rows(rows, most)
    weight = (np.maximum(alike, 0) ** POWER).astype(np.float64)
    graph = csr_array((weight.ravel(), (np.repeat(np.arange(n), most), near.ravel())), shape=(n, n))
    graph = graph.maximum(graph.T)
    scale = diags_array(1 / np.sqrt(np.maximum(graph.sum(1), 1e-12)))
    return csr_array(scale @ graph @ scale)


def spread(graph: csr_array, groups: Index, k: int) -> Array:
    """[n, k] share of each group around every row, from the `groups` of all rows."""
    start = np.zeros((len(groups), k))
    start[np.arange(len(groups)), groups] = 1
    found = start
    for _ in range(ROUNDS):
        found = ALPHA * (graph @ found) + (1 - ALPHA) * start
    shares: Array = found / np.maximum(found.sum(1, keepdims=True), 1e-12)
    return shares
