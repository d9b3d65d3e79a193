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
    from ictc.api.steering import (
        accept_revision,
        diff_runs,
        export_run,
        plan_refinement,
        refine_run,
        suggest_changes,
        undo_export,
        undo_refinement,
        why_there,
    )
    from ictc.errors import IctcError
    from ictc.result import Result
    from ictc.scoring import Scores
    from ictc.steering.corrections import Add, Drop, Merge, Move, Pin, Rename, Split, Unpin

__all__ = [
    "Add",
    "Drop",
    "IctcError",
    "Merge",
    "Move",
    "Pin",
    "Rename",
    "Result",
    "Scores",
    "Split",
    "Unpin",
    "accept_revision",
    "analyze",
    "classify_images",
    "cluster",
    "cluster_by_vectors",
    "diff_runs",
    "draw_map",
    "export_run",
    "plan_refinement",
    "refine_run",
    "score",
    "suggest_changes",
    "undo_export",
    "undo_refinement",
    "update_run",
    "why_there",
]

_HOME = {
    "Add": "ictc.steering.corrections",
    "Drop": "ictc.steering.corrections",
    "IctcError": "ictc.errors",
    "Merge": "ictc.steering.corrections",
    "Move": "ictc.steering.corrections",
    "Pin": "ictc.steering.corrections",
    "Rename": "ictc.steering.corrections",
    "Result": "ictc.result",
    "Scores": "ictc.scoring",
    "Split": "ictc.steering.corrections",
    "Unpin": "ictc.steering.corrections",
    "accept_revision": "ictc.api.steering",
    "analyze": "ictc.api",
    "classify_images": "ictc.api",
    "cluster": "ictc.api",
    "cluster_by_vectors": "ictc.api",
    "diff_runs": "ictc.api.steering",
    "draw_map": "ictc.api",
    "export_run": "ictc.api.steering",
    "plan_refinement": "ictc.api.steering",
    "refine_run": "ictc.api.steering",
    "score": "ictc.api",
    "suggest_changes": "ictc.api.steering",
    "undo_export": "ictc.api.steering",
    "undo_refinement": "ictc.api.steering",
    "update_run": "ictc.api",
    "why_there": "ictc.api.steering",
}


def __getattr__(name: str) -> Any:
    """Public names are imported when they are first used, so that `import ictc` is quick."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'ictc' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
