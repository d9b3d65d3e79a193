"""How far confidences can be believed, where the truth is known (Guo et al., ICML 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Bin:
    """The `n` answers with a confidence above `low` (or of 0, in the first bin) and up to `high`."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


def reliability(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> list[Bin]:
    """Mean confidence and share of right answers in bins of equal width over [0, 1]; empty bins are left out."""
    sure = np.asarray(confidences, dtype=np.float64)
    hit = np.asarray(right, dtype=np.float64)
    edges = np.linspace(0, 1, bins + 1)
    member = np.clip(np.searchsorted(edges, sure, side="left") - 1, 0, bins - 1)
    table = []
    for b in np.unique(member).tolist():
        inside = member == b
        confidence, accuracy = float(sure[inside].mean()), float(hit[inside].mean())
        table.append(Bin(float(edges[b]), float(edges[b + 1]), int(inside.sum()), confidence, accuracy))
    return table


def expected_calibration_error(table: Sequence[Bin]) -> float | None:
    """The mean gap between confidence and accuracy of the bins, weighted by `n`; None of an empty table."""
    n = sum(b.n for b in table)
    return sum(b.n * abs(b.confidence - b.accuracy) for b in table) / n if n else None
