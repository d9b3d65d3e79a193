"""k-means on the t-SNE map in place of the vectors: published by some, shown here beside what it is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ictc.errors import UsageError
from ictc.interfaces import Vectors
from ictc.maps.methods import positions
from ictc.scoring.metrics import silhouette
from ictc.scoring.scores import score_assignments

WARNING = (
    "k-means on a t-SNE map: distances on such a map mean little (t-SNE spreads dense groups, draws thin ones together "
    "and may tear one apart). A neat map is no proof of groups, and this is no clustering to rely on."
)
_SEEDS = 3


def on_map(
    images: Sequence[str], rows: Vectors, clusters: Mapping[str, str], k: int, seed: int, truth: Mapping[str, str]
) -> dict[str, Any]:
    """Groups of the map of `rows` [n, d], against the run's own `clusters` of the same images and the truth.

    `stability`: the mean ARI between maps of three seeds. Silhouettes are of the vectors, not of the map. Where no map
    can be drawn, or nothing is in a cluster, `failed` says so in place of all this: the rest of an analysis stands.
    """
    if not k:
        return {"failed": "No image is in a cluster: there is no K for k-means on the t-SNE map."}
    try:
        first, *others = (_groups(images, rows, k, seed + i) for i in range(_SEEDS))
    except UsageError as fault:
        return {"failed": fault.message}
    vectors = dict(zip(images, rows, strict=True))
    own = {image: clusters[image] for image in images if image in clusters}
    return {
        "warning": WARNING,
        "images": len(images),
        "k": k,
        "seed": seed,
        "ari_with_clusters": round(score_assignments(first, own).ari, 4),
        "stability": round(float(np.mean([score_assignments(first, other).ari for other in others])), 4),
        "map": _worth(first, vectors, truth),
        "clusters": _worth(own, vectors, truth),
    }


def _groups(images: Sequence[str], rows: Vectors, k: int, seed: int) -> dict[str, str]:
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    xy = positions(rows, "tsne", seed)
    with threadpool_limits(1):
        found = KMeans(min(k, len(np.unique(xy, axis=0))), n_init=10, random_state=seed).fit_predict(xy)
    return {image: str(group) for image, group in zip(images, found.tolist(), strict=True)}


def _worth(groups: Mapping[str, str], vectors: Mapping[str, Vectors], truth: Mapping[str, str]) -> dict[str, Any]:
    apart = silhouette(groups, vectors)
    worth: dict[str, Any] = {"silhouette": None if apart is None else round(apart, 4)}
    known = {image: truth[image] for image in vectors if image in truth}
    if known:
        scores = score_assignments({image: groups.get(image) for image in vectors}, known)
        worth |= {key: round(getattr(scores, key), 4) for key in ("acc", "ari", "nmi")}
    return worth
