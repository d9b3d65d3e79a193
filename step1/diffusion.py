"""A coarse map of a collection: images that many small steps of likeness join lie together (diffusion maps).

Views of one kind of thing differ as much from each other as from other kinds, but gradually: each has near neighbours.
On the graph of nearest neighbours a random walk soon mixes within a kind and only late between kinds. Its eigenvectors,
damped by the number of steps, are the map (Coifman and Lafon 2006). The number of steps is chosen so that about eight
directions matter, whatever the collection: enough for coarse groups, with fine detail damped away.

Two things keep chance out of the map. Likeness is judged on the principal directions of the rows, each divided by the
square root of its spread: unscaled, two or three broad ones (light, pose) drown the rest; scaled to equal spread, noise
does. And links to 8, 16 and 32 neighbours are counted together, since any one number is right for some collections
only. Under noise on the rows and on nine tenths of the images (16 variants a set), fruits by type score .675 to .693
(.56 to .94 with 8 neighbours of unscaled rows: one of two answers, by chance), CIFAR-10 .52 to .59 (.47 to .53), digits
.56 to .68 (.54 to .62).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ictc.interfaces import Vectors

NEIGHBOURS = (8, 16, 32)  # counts of neighbours whose links are added up
SHARE = 16  # an image is linked to at most one in so many, or small collections are all one
PRINCIPAL = 64  # directions of the rows that likeness is judged on, the broadest
DIRECTIONS = 32  # eigenvectors kept at most
EFFECTIVE = 8.0  # directions that matter: the participation ratio of the damped spectrum
FEWEST = 64  # below so many images neighbours mean little: the rows are taken as they are
LANDMARKS = 8192  # images whose graph is computed; in larger collections the others stand by their nearest of these
_BLOCK = 1024


def coarse_map(rows: Vectors) -> Vectors:
    """float32 [n, d] of any length to unit rows of the map; deterministic."""
    n = len(rows)
    if n < FEWEST:
        return unit(rows - rows.mean(axis=0))
    evened = _evened(rows)
    chosen = np.unique(np.linspace(0, n - 1, min(n, LANDMARKS)).astype(np.intp))
    places = _walk(evened[chosen])
    if len(chosen) < n:
        places = places[_nearest(evened, evened[chosen], min(NEIGHBOURS[0], len(chosen) // SHARE))].mean(axis=1)
    return unit(places.astype(np.float32))


def unit(rows: Vectors) -> Vectors:
    """Rows of unit length; a row of zeros stays zeros."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    out: Vectors = np.divide(rows, length, out=np.zeros_like(rows), where=length > 1e-12)
    return out


def _evened(rows: Vectors) -> Vectors:
    """Unit rows [n, <= 64] on the principal directions, each divided by the square root of its standard deviation."""
    middle = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    covariance = np.zeros((rows.shape[1], rows.shape[1]))
    for i in range(0, len(rows), _BLOCK):
        block = (rows[i : i + _BLOCK] - middle).astype(np.float64)
        covariance += block.T @ block / len(rows)
    variance, axes = np.linalg.eigh(covariance)
    broad = np.flatnonzero(variance > 1e-9 * max(float(variance[-1]), 1e-12))[-PRINCIPAL:]
    view = (axes[:, broad] * variance[broad] ** -0.25).astype(np.float32)
    return unit((rows - middle) @ view)


def _walk(rows: Vectors) -> NDArray[np.float64]:
    """The damped eigenvectors [n, <= 32] of the walk on the neighbour graph of `rows`, without the constant one."""
    from scipy.sparse import csr_matrix, diags_array
    from scipy.sparse.linalg import LinearOperator, eigsh

    n = len(rows)
    graph = csr_matrix((n, n))
    counts = sorted({min(count, n // SHARE) for count in NEIGHBOURS})
    near = _nearest(rows, rows, counts[-1] + 1)
    for count in counts:
        some = near[:, : count + 1]
        links = csr_matrix((np.ones(some.size), (np.repeat(np.arange(n), some.shape[1]), some.ravel())), shape=(n, n))
        graph = graph + links.maximum(links.T)
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
    """For each of `rows` the indices [n, count] of its nearest `among` (unit rows), the nearest first, in blocks."""
    found = []
    for i in range(0, len(rows), _BLOCK):
        apart = -(rows[i : i + _BLOCK] @ among.T)
        near = np.argpartition(apart, count - 1, axis=1)[:, :count]
        order = np.take_along_axis(apart, near, axis=1).argsort(axis=1, kind="stable")
        found.append(np.take_along_axis(near, order, axis=1))
    return np.concatenate(found)
