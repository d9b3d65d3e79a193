"""The map as a drawing: positions in whole units of the drawing, grouped by cluster, and names beside their groups."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ictc.report.model import ImageMap, MapGroup, MapLabel
from ictc.result import UNASSIGNED
from ictc.text import shortened
from ictc.types import Assignment

WIDTH, HEIGHT, MARGIN = 860, 600, 30
_CHARACTER, _LINE, _LONGEST, _MOST = 7.6, 20, 26, 14
_DISC, _APART = 24.0, 3.2
"""Units: how far images of one position are spread at most, and (about) from each other where there is room."""

_GOLDEN = math.pi * (3 - math.sqrt(5))
_DOT = 5.0
_FARTHEST = 150
_HIDDEN = 15.0
"""Units farther from its group that a label goes rather than hide one more dot."""


def map_view(
    xy: NDArray[np.float64], shown: Sequence[Assignment], names: Sequence[str], total: int, numbers: Sequence[int] = ()
) -> ImageMap:
    """Positions [m, 2] of the `shown` images, scaled to the drawing; each axis fills it (t-SNE's axes mean nothing).

    `numbers`: of these images among all; without, their rows.
    """
    low, high = xy.min(axis=0), xy.max(axis=0)
    unit = (xy - low) / np.where(high > low, high - low, 1.0)
    scaled = MARGIN + unit * (np.array([WIDTH, HEIGHT]) - 2 * MARGIN)
    points = np.rint(scaled + _around(xy)).astype(int).tolist()
    groups = []
    for number, name in [*enumerate(names, 1), (0, None)]:
        rows = [i for i, a in enumerate(shown) if a.cluster == name]
        if rows:
            positions = [(points[i][0], points[i][1]) for i in rows]
            groups.append(MapGroup(number, name or UNASSIGNED, positions, [numbers[i] if numbers else i for i in rows]))
    return ImageMap(WIDTH, HEIGHT, groups, _labels(groups), len(shown), total)


def _around(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Offsets [m, 2] that make a disc of the rows that share a position, as seeds lie in a sunflower (Vogel 1979)."""
    _, spot, counts = np.unique(xy, axis=0, return_inverse=True, return_counts=True)
    spot = spot.ravel()
    order = np.argsort(spot, kind="stable")
    rank = np.empty(len(xy))
    rank[order] = np.arange(len(xy)) - np.repeat(np.cumsum(counts) - counts, counts)
    radius = np.minimum(_APART, _DISC / np.sqrt(counts))[spot] * np.sqrt(rank)
    return np.column_stack([radius * np.cos(rank * _GOLDEN), radius * np.sin(rank * _GOLDEN)])


def _labels(groups: Sequence[MapGroup]) -> list[MapLabel]:
    """A name beside each group, largest group first, where it hides the fewest dots and no other name; where there is
    no such place it is left to the legend. So are those of the smaller groups where there are many."""
    dots = np.array([p for g in groups for p in g.points], dtype=float).reshape(-1, 2)
    around = _places()
    boxes: list[tuple[float, float, float]] = []
    placed: list[MapLabel] = []
    for group in sorted((g for g in groups if g.number), key=lambda g: -len(g.points))[:_MOST]:
        name = shortened(group.name, _LONGEST)
        half = len(name) * _CHARACTER / 2
        points = np.array(group.points, dtype=float)
        anchor = points[np.abs(points - np.median(points, axis=0)).sum(axis=1).argmin()]
        best: tuple[float, float, float] | None = None
        for dx, dy in around:
            x, y = anchor[0] + dx + math.copysign(half, dx) * (abs(dx) > 1), anchor[1] + dy
            if not (half <= x <= WIDTH - half and _LINE / 2 <= y <= HEIGHT - _LINE / 2):
                continue
            if any(abs(x - bx) < half + bh + 4 and abs(y - by) < _LINE for bx, by, bh in boxes):
                continue
            near = (np.abs(dots[:, 0] - x) < half + _DOT) & (np.abs(dots[:, 1] - y) < _LINE / 2 + _DOT)
            worth = math.hypot(dx, dy) + _HIDDEN * int(near.sum())
            if best is None or worth < best[0]:
                best = (worth, x, y)
        if best is not None:
            _, x, y = best
            boxes.append((x, y, half))
            placed.append(MapLabel(round(x), round(y), name, _line(x, y, half, anchor)))
    return placed


def _places() -> list[tuple[float, float]]:
    """Offsets from a group at which its name is tried, nearest first; to the side its near end counts."""
    steps = [(r, i * math.pi / 8) for r in range(16, _FARTHEST + 1, 8) for i in range(16)]
    return [(round(r * math.sin(a), 6), round(-r * math.cos(a), 6)) for r, a in steps]


def _line(x: float, y: float, half: float, anchor: NDArray[np.float64]) -> tuple[int, int, int, int] | None:
    """From the edge of a label to its group, where that is not right beside it."""
    near_x = float(np.clip(anchor[0], x - half, x + half))
    near_y = float(np.clip(anchor[1], y - _LINE / 2 + 1, y + _LINE / 2 - 1))
    if math.hypot(anchor[0] - near_x, anchor[1] - near_y) < _LINE:
        return None
    return round(near_x), round(near_y), round(anchor[0]), round(anchor[1])
