"""What a person would use instead of ictc: BERTopic (Grootendorst 2022) on the same sentence embeddings.

Seeded, else as it comes: UMAP to 5 dimensions (15 neighbours, cosine), then HDBSCAN in clusters of 10 or more, whose
outliers belong to no topic; or k-means where K is given, as BERTopic's documentation has it.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Any

from ictc.interfaces import Vectors
from ictc.types import Description

INSTALL = "not installed: pip install -c constraints.txt -e '.[bench]'"
_OUTLIER = -1


def bertopic(descriptions: Sequence[Description], rows: Vectors, k: int | None) -> dict[str, str | None]:
    """The topic of every image; None for an outlier. `k` None: as it comes.

    Raises:
        ImportError: BERTopic or what it needs is not installed.
    """
    from bertopic import BERTopic
    from sklearn.cluster import KMeans
    from umap import UMAP

    logging.getLogger("BERTopic").setLevel(logging.ERROR)
    space = UMAP(n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", random_state=0)
    parts: dict[str, Any] = {"umap_model": space}
    if k is not None:
        parts["hdbscan_model"] = KMeans(k, n_init=10, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # UMAP says that a seed costs it its threads
        topics, _ = BERTopic(**parts).fit_transform([d.text for d in descriptions], rows)
    return {d.image: None if t == _OUTLIER else str(t) for d, t in zip(descriptions, topics, strict=True)}
