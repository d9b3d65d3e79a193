"""What clustering so many vectors would take, said before it starts. By the estimator's class name, so that
scikit-learn classes given by import path are known too; estimators that are not in here are taken to be cheap."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ictc.errors import UsageError

SHARE = 0.5  # of the machine's memory that clustering may take beside the vectors
SLOW = 60.0  # seconds from which on it is said
_PRODUCTS = 1e10  # multiplications a second of one core in a matrix product
_PAIRS = 5e8  # multiplications a second where distances are made one by one
_CHEAPER = "--clusterer minibatch (or kmeans, spherical)"


@dataclass(frozen=True, slots=True)
class Cost:
    """Beside the vectors, at the peak. `why` says what grows."""

    bytes: float = 0.0
    seconds: float = 0.0
    why: str = ""


def cost(kind: str, params: Mapping[str, Any], n: int, d: int, neighbours: float = 0.0) -> Cost:
    """`neighbours`: rows within eps of a row on average (DBSCAN keeps all of them)."""
    pairs = float(n) * n
    if kind == "AgglomerativeClustering" and params.get("connectivity") is None:
        return Cost(8 * pairs, pairs * d / 2 / _PAIRS + pairs * 2e-8, "the distance of every pair is kept twice")
    if kind == "AffinityPropagation":
        return Cost(48 * pairs, pairs * 200 / _PAIRS, "six numbers for every pair are kept")
    if kind == "SpectralClustering":
        if params.get("affinity") == "nearest_neighbors":
            near = params["n_neighbors"] if type(params.get("n_neighbors")) is int else 10
            return Cost(n * near * 64.0, pairs * d / _PRODUCTS, "every pair is compared")
        return Cost(24 * pairs, pairs * d / _PRODUCTS + pairs * 2e-7, "the likeness of every pair is kept")
    if kind == "DBSCAN":
        why = f"all neighbours within eps are kept, {neighbours:,.0f} for an image"
        return Cost(8 * n * neighbours, 3 * pairs * d / _PRODUCTS, why)
    if kind == "HDBSCAN":
        kept = (
            16 * pairs if params.get("algorithm") == "brute" or params.get("metric") in ("cosine", "precomputed") else 0
        )
        return Cost(
            kept, 2 * pairs * d / _PAIRS, "the distance of every pair is kept" if kept else "every pair is compared"
        )
    if kind in ("OPTICS", "MeanShift"):
        return Cost(n * 64.0, 3 * pairs * d / _PAIRS, "every pair is compared")
    return Cost()


def machine_memory() -> int:
    """Bytes: what the machine has, or the container may use."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        try:
            total = min(total, int(limit.read_text("ascii")))
        except (OSError, ValueError):  # no such file, or `max`
            continue
    return total


def forewarn(name: str, needed: Cost, n: int, tell: Callable[[str], None]) -> None:
    """Says that it will be slow, before it starts.

    Raises:
        UsageError: it would need more memory than `SHARE` of the machine's.
    """
    memory = machine_memory()
    if needed.bytes > SHARE * memory:
        most = int(n * (SHARE * memory / needed.bytes) ** 0.5)
        raise UsageError(
            f"{name} on {n:,} vectors would need about {_gib(needed.bytes)} of memory ({needed.why}); this machine has "
            f"{_gib(memory)}, enough for about {most:,}.",
            f"Type {_CHEAPER}: they keep next to nothing beside the vectors.",
        )
    if needed.seconds >= SLOW:
        tell(
            f"{name} on {n:,} vectors takes about {_duration(needed.seconds)} ({needed.why}); "
            f"{_CHEAPER} takes seconds to minutes."
        )


def _gib(count: float) -> str:
    return f"{count / 2**30:,.1f} GiB"


def _duration(seconds: float) -> str:
    for size, unit in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} seconds"
