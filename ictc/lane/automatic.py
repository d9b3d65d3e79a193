"""The parameters that nobody gave: found from the vectors, and told."""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ictc.interfaces import Vectors
from ictc.lane.textcentroids import PULL, STARTS
from ictc.reasoners.choose_k import MAX_K, SAMPLE, fewest, silhouette
from ictc.reasoners.spherical import Array, Index, k_means, likeness, plus_plus, unit
from ictc.types import KChoice

MIN_SAMPLES = 5  # scikit-learn's; Ester et al. took 4 in two dimensions, not counting the image itself
KNEE = "knee"
"""As eps of DBSCAN: chosen, as where nobody says."""
LEAST_EPS = 1e-3  # unit vectors in float32 that are nearer are the same
NEIGHBOURS = 10
"""Of an image in spectral clustering, itself counted: scikit-learn's, but no more than a group has images, else all are
everybody's neighbours and nothing tells them apart."""
FULL_STARTS = 20_000  # vectors up to which scikit-learn's k-means has so many: each looks at all of them
METHOD = "mean silhouette (cosine, about the mean) of k-means with k groups"
_STARTS = 3
_PRODUCTS = 2 * 10**8  # distances that are looked at to find eps


def choose_k(rows: Vectors, seed: int) -> KChoice:
    """The fewest groups, of 2 to 20, that k-means gets nearly as well apart as any other number of groups.

    The images are told apart by where they lie about their mean, since vectors of one model all point one way. Looks at
    1,500 vectors at most: the silhouette needs all their distances.
    """
    some = rows[:: -(-len(rows) // SAMPLE)]
    some = unit((some - some.mean(0, dtype=np.float64)).astype(rows.dtype))
    most = min(MAX_K, len(np.unique(some, axis=0)) - 1)
    if most < 2:
        return KChoice(1, METHOD, "so few different vectors have no groups")
    draw = np.random.default_rng(seed)
    apart = 1 - some @ some.T
    curve: list[tuple[int, float]] = []
    found: dict[int, Index] = {}
    for k in range(2, most + 1):
        tries = [k_means(some, some[plus_plus(some, k, draw)].astype(np.float64), rounds=20) for _ in range(_STARTS)]
        found[k] = max(tries, key=lambda run: float(likeness(some, run[1]).max(1).sum()))[0]
        curve.append((k, round(silhouette(apart, found[k]), 4)))
    return fewest(METHOD, some, curve, found)


def automatic(kind: str, given: Mapping[str, Any], rows: Vectors, k: int | None) -> tuple[dict[str, Any], list[str]]:
    """What to add to the parameters `given` to the estimator class named `kind`, and what to tell about it."""
    n, d = rows.shape
    few = min(MIN_SAMPLES, n)
    least = max(2, min(max(MIN_SAMPLES, isqrt(n)), n))
    found: dict[str, Any] = {}
    notes: list[str] = []
    if kind == "TextCentroidKMeans":
        found = {"pull": PULL}
    elif kind == "SphericalKMeans":
        found = {"n_init": STARTS}
    elif kind == "KMeans":
        found = {"n_init": STARTS if n <= FULL_STARTS else 1}
    elif kind == "SpectralClustering":
        found = {"affinity": "nearest_neighbors", "n_neighbors": min(NEIGHBOURS, max(2, n // (k or 1)))}
    elif kind == "GaussianMixture":
        found = {"covariance_type": "full" if n >= (k or 1) * d else "diag"}
    elif kind in ("HDBSCAN", "OPTICS"):
        found = {"min_samples": few, "min_cluster_size": least}
        if kind == "HDBSCAN":
            found["copy"] = True
        if "min_cluster_size" not in given:
            notes.append(f"min_cluster_size {least}: the square root of the number of images, at least {MIN_SAMPLES}.")
    elif kind == "DBSCAN":
        found = {"min_samples": few}
        if "eps" not in given:
            nearby = given["min_samples"] if type(given.get("min_samples")) is int else few
            found["eps"] = eps_by_knee(rows, nearby, given.get("metric", "euclidean"))
            notes.append(
                f"eps {found['eps']}: the knee of the sorted distances of the images to their {nearby}th nearest, "
                "themselves counted."
            )
    return {name: value for name, value in found.items() if name not in given}, notes


def eps_by_knee(rows: Vectors, min_samples: int, metric: str = "euclidean") -> float:
    """Ester et al. (KDD 1996): sort the images by the distance to their `min_samples`-th nearest, themselves counted as
    scikit-learn does; eps is where the curve bends up. The bend is the point farthest below the chord (Kneedle;
    Satopaa et al. 2011). Of many images every so many-th is looked at."""
    from sklearn.neighbors import NearestNeighbors

    step = -(-len(rows) * len(rows) // _PRODUCTS)
    near = NearestNeighbors(n_neighbors=min(max(min_samples, 1), len(rows)), metric=metric).fit(rows)
    curve = np.sort(near.kneighbors(rows[::step])[0][:, -1].astype(np.float64))
    return max(round(float(curve[knee(curve)]), 4), LEAST_EPS)


def knee(curve: Array) -> int:
    """The index of a rising curve's point that lies farthest below the line from its first to its last point."""
    if len(curve) < 3 or curve[-1] <= curve[0]:
        return len(curve) - 1
    height = (curve - curve[0]) / (curve[-1] - curve[0])
    return int((np.linspace(0, 1, len(curve)) - height).argmax())


def neighbours(rows: Vectors, eps: Any, metric: str = "euclidean") -> float:
    """How many rows lie within eps of a row, themselves counted, on average over up to 200 rows."""
    from sklearn.metrics import pairwise_distances

    if not isinstance(eps, int | float):  # the estimator says what is wrong with it
        return 0.0
    some: NDArray[np.floating] = rows[:: -(-len(rows) // 200)]
    counted = [np.count_nonzero(pairwise_distances(row[None], rows, metric=metric) <= eps) for row in some]
    return float(np.mean(counted))
