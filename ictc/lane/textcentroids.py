"""k-means of our own on unit vectors: spherical, and with centres that texts hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ictc.errors import UsageError
from ictc.interfaces import Vectors
from ictc.reasoners.spherical import BLOCK, Array, Index, k_means, likeness, means, nearest, plus_plus, unit

STARTS = 10  # it keeps the tightest
PULL = 0.5
_TRIED_ON = 8192  # rows that the starts are tried on


class SphericalKMeans:
    """k-means by cosine: centres are unit means (Dhillon & Modha, "Concept decompositions for large sparse text data
    using clustering", Machine Learning 42, 2001). The tightest of `n_init` k-means++ starts, tried on every so many-th
    row where there are over 8,192."""

    def __init__(
        self, n_clusters: int = 8, *, n_init: int = STARTS, max_iter: int = 100, random_state: int = 0
    ) -> None:
        self.n_clusters = n_clusters
        self.n_init = _at_least_one("n_init", n_init)
        self.max_iter = _at_least_one("max_iter", max_iter)
        self.random_state = random_state

    def fit_predict(self, X: Vectors) -> Index:
        """Group [n] of rows [n, d], whose direction counts; `cluster_centers_` [k, d]."""
        X = _directions(X)
        draw = np.random.default_rng(self.random_state)
        some = X[:: -(-len(X) // max(_TRIED_ON, self.n_clusters))]
        starts = [some[plus_plus(some, self.n_clusters, draw)].astype(np.float64) for _ in range(self.n_init)]
        tried = [k_means(some, start, self.max_iter)[1] for start in starts]
        best = max(tried, key=lambda centres: round(_tightness(some, centres), 6))
        groups, self.cluster_centers_ = k_means(X, best, self.max_iter)
        return groups


class TextCentroidKMeans:
    """k-means whose centre j is held by text j: unit((1 - pull) * mean of its images + pull * text vector).

    It starts from the texts. With `pull` 0 it is free from then on: spherical k-means seeded by texts. With `pull` 1
    the centres are the texts: zero-shot classification (Radford et al., ICML 2021). Between, a group's spread counts:
    the mean of a loose group is short, so its text has more to say. A text without any image keeps its centre.
    """

    def __init__(self, texts: Vectors, *, pull: float = PULL, max_iter: int = 100) -> None:
        if type(pull) not in (int, float) or not 0 <= pull <= 1:
            raise UsageError(f"--param pull={pull}: the pull toward the texts is from 0 to 1.", "Try: --param pull=0.5")
        self.texts = texts
        self.pull = pull
        self.max_iter = _at_least_one("max_iter", max_iter)

    def fit_predict(self, X: Vectors) -> Index:
        """Group [n] of rows [n, d], whose direction counts: the number of its text; `cluster_centers_` [k, d]."""
        X = _directions(X)
        texts = unit(self.texts.astype(np.float64))
        centres, groups = texts, nearest(X, texts)
        for _ in range(self.max_iter if self.pull < 1 else 0):
            mean = means(X, groups, len(texts))
            moved = unit((1 - self.pull) * mean + self.pull * texts)
            centres = np.where(mean.any(axis=1, keepdims=True), moved, centres)
            fresh = nearest(X, centres)
            if np.array_equal(fresh, groups):
                break
            groups = fresh
        self.cluster_centers_ = centres
        return groups


def _directions(rows: Vectors) -> Vectors:
    """Unit rows; the same array where they are unit already, since a million are 2 GB."""
    blocks = (rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK))
    are_unit = all(np.allclose(np.einsum("ij,ij->i", block, block), 1, atol=1e-4) for block in blocks)
    return rows if are_unit else unit(rows)


def _tightness(rows: NDArray[np.floating], centres: Array) -> float:
    return float(likeness(rows, centres).max(1).sum(dtype=np.float64))


def _at_least_one(name: str, value: int) -> int:
    if type(value) is not int or value < 1:
        raise UsageError(f"--param {name}={value}: a whole number of 1 or more.", f"Try: --param {name}=10")
    return value
