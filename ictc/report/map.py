"""The 2-D map of the images: t-SNE of their distinct vectors. The same vectors always give the same map."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ictc.interfaces import Vectors

MAX_POINTS = 3000
"""More images than this are sampled: t-SNE of 3,000 takes seconds, and more dots than that hide each other."""

Spread = Callable[[NDArray[np.float32]], NDArray[np.float64]]
"""Positions [n, 2] for distinct vectors [n, m], their main components, the broadest first; on one thread."""

_SMALLEST = 5
_DIMENSIONS = 50


def sample(n: int, limit: int = MAX_POINTS) -> NDArray[np.intp]:
    """Rows on the map, ascending: all of them, or `limit` drawn at random with seed 0."""
    if n <= limit:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, size=limit, replace=False))


def layout(vectors: Vectors, spread: Spread | None = None) -> NDArray[np.float64] | None:
    """Positions [n, 2] for vectors [n, d], or None where there is nothing to draw (under 5 rows, or all rows equal).

    `spread`: another map than t-SNE. Equal rows get one position: t-SNE tells points apart, also those that are the
    same. Runs on one thread: the order of floating point sums decides the last digits, and t-SNE magnifies them.
    """
    from threadpoolctl import threadpool_limits

    x = np.nan_to_num(np.asarray(vectors, dtype=np.float64), posinf=0.0, neginf=0.0)
    if len(x) < _SMALLEST or x.shape[1] == 0 or np.allclose(x, x[0]):
        return None
    distinct, spot = np.unique(x, axis=0, return_inverse=True)
    with threadpool_limits(1):
        main = _main(distinct)
        few = len(distinct) < _SMALLEST  # these lie as their components say
        xy = main[:, :2] if few else (spread or t_sne)(main.astype(np.float32))
    xy = xy[spot.ravel()]
    return xy if np.isfinite(xy).all() else None


def t_sne(x: NDArray[np.float32], seed: int = 0) -> NDArray[np.float64]:
    """scikit-learn's t-SNE (van der Maaten and Hinton, JMLR 2008)."""
    from sklearn.manifold import TSNE

    tsne = TSNE(
        perplexity=min(30.0, (len(x) - 1) / 3), init="pca", max_iter=500, random_state=seed, learning_rate="auto"
    )
    xy: NDArray[np.float64] = tsne.fit_transform(x).astype(np.float64)
    return xy


def _main(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 50 main components [n, <= 50] of distinct vectors [n, d]; at least two, zeros where there is but one."""
    from sklearn.decomposition import PCA

    components = min(_DIMENSIONS, x.shape[1], len(x) - 1)
    x = PCA(components, svd_solver="full" if len(x) < 500 else "covariance_eigh").fit_transform(x)
    return np.hstack([x, np.zeros((len(x), max(0, 2 - x.shape[1])))])
