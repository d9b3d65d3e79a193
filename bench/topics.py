"""What a person would use instead of ictc: BERTopic (Grootendorst 2022) on the same sentence embeddings.

Seeded, else by its defaults: UMAP to 5 dimensions (15 neighbours, cosine), then HDBSCAN in clusters of 10 or more,
whose outliers belong to no topic. BERTopic can be told K in two ways of its documentation: `nr_topics` merges the
topics that are most alike until so many are left, the outliers counted as one, and `reduce_outliers` then gives these
to the nearest topic; or k-means takes HDBSCAN's place.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ictc.interfaces import Vectors
from ictc.types import Description

INSTALL = "not installed: pip install -c constraints.txt -e '.[bench]'"
Way = Literal["as it comes", "nr_topics for K", "nr_topics for K, outliers reduced", "UMAP + k-means"]
_OUTLIER = -1


def flattened(rows: Vectors) -> Vectors:
    """[n, 5] UMAP as BERTopic has it, once for all ways.

    Raises:
        ImportError: BERTopic or what it needs is not installed.
    """
    import bertopic  # noqa: F401
    from umap import UMAP

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a seed costs UMAP its threads
        flat: Vectors = UMAP(
            n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", random_state=0
        ).fit_transform(rows)
    return flat


def bertopic(
    descriptions: Sequence[Description], rows: Vectors, flat: Vectors, k: int, way: Way
) -> dict[str, str | None]:
    """The topic of every image; None for an outlier."""
    from bertopic import BERTopic
    from sklearn.cluster import KMeans

    logging.getLogger("BERTopic").setLevel(logging.ERROR)
    parts: dict[str, Any] = {"umap_model": _Ready(flat)}
    if way == "UMAP + k-means":
        parts["hdbscan_model"] = KMeans(k, n_init=10, random_state=0)
    elif way != "as it comes":
        parts["nr_topics"] = k + 1
    texts = [d.text for d in descriptions]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = BERTopic(**parts)
        topics, _ = model.fit_transform(texts, rows)
        if way == "nr_topics for K, outliers reduced" and _OUTLIER in topics:
            topics = model.reduce_outliers(texts, topics, strategy="embeddings", embeddings=rows)
    return {d.image: None if t == _OUTLIER else str(t) for d, t in zip(descriptions, topics, strict=True)}


@dataclass(frozen=True)
class _Ready:
    """In UMAP's place: rows that it has made."""

    rows: Vectors

    def fit(self, *_: Any, **__: Any) -> _Ready:
        return self

    def transform(self, _: Vectors) -> Vectors:
        return self.rows
