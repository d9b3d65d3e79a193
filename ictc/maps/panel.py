"""From where images lie, and what they are, to a panel of a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ictc.maps.colours import by_size, matched
from ictc.maps.figure import Panel
from ictc.report.map_view import map_view
from ictc.result import UNASSIGNED
from ictc.types import Assignment


def panel_of(
    title: str,
    xy: NDArray[np.float64],
    images: Sequence[str],
    groups: Mapping[str, str | None],
    reference: Mapping[str, str | None],
    total: int,
    others: str = UNASSIGNED,
) -> Panel:
    """The `images` at `xy` [m, 2], of `total` that there are, coloured by `groups`. A group has the colour of that one
    of `reference` with which it shares most images. `others`: what those in no group are called."""
    names = by_size(groups)
    numbers = matched(groups, reference, names)
    drawing = map_view(xy, [Assignment(image, groups.get(image), None, "") for image in images], names, total)
    named = [g if g.number else replace(g, name=others) for g in drawing.groups]
    return Panel(title, replace(drawing, groups=named), dict(enumerate(numbers, 1)))
