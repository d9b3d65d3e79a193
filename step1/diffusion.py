"""A coarse map of a collection: images that many small steps of likeness join lie together (diffusion maps).

Views of one kind of thing differ as much from each other as from other kinds, but gradually: each has near neighbours.
On the graph of nearest neighbours a random walk soon mixes within a kind and only late between kinds. Its eigenvectors,
damped by the number of steps, are the map (Coifman and Lafon 2006). The number of steps is chosen so that about five
directions matter, whatever the collection: enough for coarse groups, with fine detail damped away.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ictc.interfaces import Vectors

NEIGHBOURS = 8
DIRECTIONS = 32  # eigenvectors kept at most
EFFECTIVE = 5.0  # directions that matter: the participation ratio of the damped spectrum
FEWEST = 64  # below so many images neighbours mean little: the rows are taken as they are
LANDMARKS = 8192  # images whose graph is computed; in larger collections the others stand by their nearest of these
_BLOCK = 1024


def coarse_map(rows: Vectors) -> Vectors:
    """float32 [n, d] of any length to unit rows of the map; deterministic."""
    centred = unit(rows - rows.mean(axis=0))
    n = len(centred)
    if n < FEWEST:
        return centred
    chosen = np.unique(np.linspace(0, n - 1, min(n, LANDMARKS)).astype(np.intp))
    places = _walk(centred[chosen])
    if len(chosen) < n:
        places = places[_nearest(centred, centred[chosen], NEIGHBOURS)].mean(axis=1)
    return unit(places.astype(np.float32))


def unit(rows: Vectors) -> Vectors:
    """Rows of unit length; a row of zeros stays zeros."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    out: Vectors = np.divide(rows, length, out=np.zeros_like(rows), where=length > 1e-12)
    return out


def _walk(rows: Vectors) -> NDArray[np.float64]:
    """The damped eigenvectors [n, <= 32] of the walk on the neighbour graph of `rows`, without the constant one."""
    from scipy.sparse import csr_matrix, diags_array
    from scipy.sparse.linalg import LinearOperator, eigsh

    n = len(rows)
    near = _nearest(rows, rows, NEIGHBOURS + 1)
    starts = np.repeat(np.arange(n), near.shape[1])
    graph = csr_matrix((np.ones(near.size), (starts, near.ravel())), shape=(n, n))
    graph = graph.maximum(graph.T)
    scale = 1 / np.sqrt(np.asarray(graph.sum(axis=1)).ravel())
    walk = diags_array(scale) @ graph @ diags_array(scale)
    constant = 1 / scale / np.linalg.norm(1 / scale)
    rest = LinearOperator((n, n), matvec=lambda x: walk @ x - constant * (constant @ x), dtype=np.float64)
    values, axes = eigsh(rest, k=min(DIRECTIONS, n - 2), which="LA", v0=np.linspace(-1, 1, n))
    order = np.argsort(-values, kind="stable")
    values, axes = np.clip(values[order] / max(values[order[0]], 1e-6), 1e-6, 1.0), axes[:, order]
    places: NDArray[np.float64] = axes * scale[:, None] * values ** _steps(values)
    return places


def _steps(values: NDArray[np.float64]) -> float:
    """The number of steps after which about EFFECTIVE directions matter."""
    for steps in 2.0 ** np.arange(0, 12, 0.5):
        energy = values ** (2 * steps)
        if energy.sum() <= EFFECTIVE * energy[0]:
            return float(steps)
    return 2.0**12


def _nearest(rows: Vectors, among: Vectors, count: int) -> NDArray[np.intp]:
    """For each of `rows` the indices [n, count] of its nearest `among` (unit rows), in blocks."""
    found = [
        np.argpartition(-(rows[i : i + _BLOCK] @ among.T), count - 1, axis=1)[:, :count]
        for i in range(0, len(rows), _BLOCK)
    ]
    return np.concatenate(found)
