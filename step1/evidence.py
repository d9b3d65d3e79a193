"""Vectors for a criterion from what was seen: they join the texts when images are assigned to clusters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ictc.interfaces import Vectors
from step1.attributes import Measured
from step1.diffusion import coarse_map, unit
from step1.topics import OBJECT

_ALIKE = 0.2  # difference in tint (saturation in [0, 1] by hue) at which likeness has fallen to .6
_LIGHTNESS = 0.4  # of black against white, beside tint


def vectors(topics: tuple[str, ...], logits: Vectors, measured: Sequence[Measured]) -> Vectors | None:
    """Unit rows [n, d] for the first of `topics` that has any, else None. `logits` is [n, classes]."""
    for topic in topics:
        if topic == OBJECT:
            return coarse_map(logits)
        if topic == "colour":
            return _colours(measured)
    return None


def _colours(measured: Sequence[Measured]) -> Vectors:
    """Cosines that fall with the difference in tint and, less, in lightness: likeness to the colours of a grid."""
    light = [sum(s * x for s, x in zip(m.shares, m.lightnesses, strict=True)) / 100 for m in measured]
    own = np.array([[*m.tint, _LIGHTNESS * x] for m, x in zip(measured, light, strict=True)], np.float32)
    steps = np.arange(-0.75, 0.76, 0.25)
    grid = np.array(
        [(a, b, _LIGHTNESS * x) for a in steps for b in steps for x in np.arange(0, 1.01, 0.25)], np.float32
    )
    distance = ((own[:, None] - grid) ** 2).sum(axis=2)
    return unit(np.exp(-distance / (2 * _ALIKE**2)))
