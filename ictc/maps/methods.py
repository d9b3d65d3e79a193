"""The ways to a flat map. All but PCA keep neighbours together and say nothing of distances between groups."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from ictc.errors import MissingExtra, UsageError
from ictc.interfaces import Vectors
from ictc.report.map import layout, t_sne

_Rows = NDArray[np.float32]
_Places = NDArray[np.float64]
_NEIGHBOURS = 15


def positions(vectors: Vectors, method: str, seed: int = 0) -> _Places:
    """Positions [n, 2] of vectors [n, d]; equal vectors lie on one spot. The same seed gives the same map.

    Raises:
        UsageError: there is no such method, or nothing to draw. MissingExtra: its package is not installed.
    """
    check_method(method)
    make = METHODS[method]
    xy = layout(vectors, lambda x: make(x, seed))
    if xy is None:
        raise UsageError(
            f"There is nothing to draw: {len(vectors)} images, fewer than 5 or all with the same vector.",
            "See the images themselves: ictc report RUN",
        )
    return xy


def check_method(method: str) -> None:
    """Raises UsageError: there is no such method. MissingExtra: its package is not installed."""
    if method not in METHODS:
        raise UsageError(f"--method {method}: there is no such map.", f"Those there are: {', '.join(METHODS)}.")
    for package, extra in _PACKAGES.get(method, {}).items():
        if find_spec(package) is None:
            raise MissingExtra(f"--method {method}", extra)


def _pca(x: _Rows, _seed: int) -> _Places:
    """The two broadest directions."""
    return x[:, :2].astype(np.float64)


def _open_tsne(x: _Rows, seed: int) -> _Places:
    """openTSNE (Poličar et al., 2024): t-SNE by interpolation, in time that grows with n."""
    from openTSNE import TSNE

    perplexity = min(30.0, (len(x) - 1) / 3)
    made = TSNE(perplexity=perplexity, initialization="pca", random_state=seed, n_jobs=1).fit(x)
    return np.asarray(made, dtype=np.float64)


def _umap(x: _Rows, seed: int) -> _Places:
    """UMAP (McInnes et al., 2018); from PCA where there are too few images for its spectral start."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a seed means one thread, which is wanted
        from umap import UMAP

        neighbours = min(_NEIGHBOURS, len(x) - 1)
        start = "spectral" if len(x) > 2 * _NEIGHBOURS else "pca"
        made = UMAP(n_neighbors=neighbours, init=start, random_state=seed, n_jobs=1).fit_transform(x)
    return np.asarray(made, dtype=np.float64)


METHODS: dict[str, Callable[[_Rows, int], _Places]] = {
    "tsne": t_sne,
    "opentsne": _open_tsne,
    "umap": _umap,
    "pca": _pca,
}
_PACKAGES = {"umap": {"umap": "umap"}, "opentsne": {"openTSNE": "opentsne"}}
