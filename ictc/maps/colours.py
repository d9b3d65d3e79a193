"""Colours that mean the same on all maps of a figure: groups that hold the same images have the same one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from ictc.scoring.metrics import hungarian

_PALETTE = (
    "#3b6fd4", "#e0701a", "#829a14", "#7b3fb5", "#ea5d92", "#0598a8", "#a20a01", "#8a6a4f", "#1f2f6b", "#2f9e5b",
)  # fmt: skip
_MARKERS = "os^DvP*Xph"
UNASSIGNED = ("#a9abaf", "x")


def look(number: int) -> tuple[str, str]:
    """Colour and marker of a group; a hundred differ."""
    return _PALETTE[number % len(_PALETTE)], _MARKERS[number // len(_PALETTE) % len(_MARKERS)]


def by_size(groups: Mapping[str, str | None]) -> list[str]:
    """The names of the groups, the largest first."""
    sizes = Counter(name for name in groups.values() if name is not None)
    return sorted(sizes, key=lambda name: (-sizes[name], name))


def matched(groups: Mapping[str, str | None], reference: Mapping[str, str | None], names: Sequence[str]) -> list[int]:
    """A number for each of `names` (groups by image): that of the reference's group with which it shares most images,
    one to one (Hungarian method); the others get numbers that are left."""
    known = by_size(reference)
    row = {name: i for i, name in enumerate(names)}
    column = {name: i for i, name in enumerate(known)}
    table = np.zeros((len(names), len(known)), dtype=np.int64)
    for image, name in groups.items():
        other = reference.get(image)
        if name is not None and other is not None:
            table[row[name], column[other]] += 1
    found = dict(hungarian(table)) if table.size else {}
    spare = iter(sorted(set(range(len(names) + len(known))) - set(found.values())))
    return [found[i] if i in found else next(spare) for i in range(len(names))]
