"""Cluster images by a criterion written in words.

>>> from ictc import cluster, score
>>> result = cluster("photos/", "mood", k=5)              # doctest: +SKIP
>>> result.clusters                                        # doctest: +SKIP
{'calm evening': ['a.jpg', ...], ...}
>>> score(result, truth="folder").acc                      # doctest: +SKIP
0.93
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ictc.api import analyze, classify_images, cluster, cluster_by_vectors, draw_map, score, update_run
    from ictc.errors import IctcError
    from ictc.result import Result
    from ictc.scoring import Scores

__all__ = [
    "IctcError",
    "Result",
    "Scores",
    "analyze",
    "classify_images",
    "cluster",
    "cluster_by_vectors",
    "draw_map",
    "score",
    "update_run",
]

_HOME = {
    "IctcError": "ictc.errors",
    "Result": "ictc.result",
    "Scores": "ictc.scoring",
    "analyze": "ictc.api",
    "classify_images": "ictc.api",
    "cluster": "ictc.api",
    "cluster_by_vectors": "ictc.api",
    "draw_map": "ictc.api",
    "score": "ictc.api",
    "update_run": "ictc.api",
}


def __getattr__(name: str) -> Any:
    """Public names are imported when they are first used, so that `import ictc` is quick."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'ictc' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
