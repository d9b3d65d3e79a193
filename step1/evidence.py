"""Vectors for a criterion from what was seen: they join the texts when images are assigned to clusters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ictc.interfaces import Vectors
from step1.attributes import Measured
from step1.topics import OBJECT


def vectors(topics: tuple[str, ...], logits: Vectors, measured: Sequence[Measured]) -> Vectors | None:
    """Unit rows [n, d] for the first of `topics` that has any, else None. `logits` is [n, classes]."""
    for topic in topics:
        if topic == OBJECT:
            return _unit(logits - logits.mean(axis=0))
        if topic == "colour":
            return _unit(np.array([_colour(m) for m in measured], np.float32))
    return None


def _colour(m: Measured) -> list[float]:
    """Hue and saturation of the subject, and half as much which families it has."""
    return [*m.tint, *(0.5 * np.sqrt(np.array(m.shares))).tolist()]


def _unit(rows: Vectors) -> Vectors:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    out: Vectors = np.divide(rows, length, out=np.zeros_like(rows), where=length > 1e-12)
    return out
