"""The map as a drawing: positions in whole units of the drawing, grouped by cluster, with names that do not overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ictc.report.model import ImageMap, MapGroup
from ictc.result import UNASSIGNED
from ictc.types import Assignment

WIDTH, HEIGHT, MARGIN = 860, 600, 22
_CHARACTER, _LINE, _LONGEST, _MOST = 7.6, 20, 26, 14


def map_view(xy: NDArray[np.float64], shown: Sequence[Assignment], names: Sequence[str], total: int) -> ImageMap:
    """Positions [m, 2] of the `shown` images, scaled to the drawing; each axis fills it (t-SNE's axes mean nothing)."""
    low, high = xy.min(axis=0), xy.max(axis=0)
    unit = (xy - low) / np.where(high > low, high - low, 1.0)
    points = np.rint(MARGIN + unit * (np.array([WIDTH, HEIGHT]) - 2 * MARGIN)).astype(int).tolist()
    groups = []
    for number, name in [*enumerate(names, 1), (0, None)]:
        rows = [i for i, a in enumerate(shown) if a.cluster == name]
        if rows:
            positions = [(points[i][0], points[i][1]) for i in rows]
            groups.append(MapGroup(number, name or UNASSIGNED, positions, [shown[i].image for i in rows]))
    return ImageMap(WIDTH, HEIGHT, groups, _labels(groups), len(shown), total)


def _labels(groups: Sequence[MapGroup]) -> list[tuple[int, int, str]]:
    """A name at the middle of each group, largest group first; one that would cover another is left to the legend.

    So are those of the smaller groups where there are many.
    """
    placed: list[tuple[int, int, str]] = []
    boxes: list[tuple[float, float, float]] = []
    for group in sorted((g for g in groups if g.number), key=lambda g: -len(g.points))[:_MOST]:
        name = group.name if len(group.name) <= _LONGEST else group.name[: _LONGEST - 1] + "…"
        half = len(name) * _CHARACTER / 2
        middle = np.median(np.array(group.points), axis=0)
        x, y = float(np.clip(middle[0], half, WIDTH - half)), float(middle[1])
        if all(abs(x - bx) >= half + bh or abs(y - by) >= _LINE for bx, by, bh in boxes):
            boxes.append((x, y, half))
            placed.append((round(x), round(y), name))
    return placed
