"""Which images a supervised result is scored on: those whose truth it was not shown."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

SHARE = 0.3
"""Of each class, for the test; at least one of two."""


def held_out(classes: Mapping[str, str], seed: int) -> frozenset[str]:
    """A stratified test split of images with a class: the same for the same names, classes and seed."""
    members: dict[str, list[str]] = {}
    for image in sorted(classes):
        members.setdefault(classes[image], []).append(image)
    chosen: list[str] = []
    for name in sorted(members):
        images = members[name]
        count = max(round(SHARE * len(images)), 1) if len(images) > 1 else 0
        draw = np.random.default_rng([seed, *name.encode()])
        chosen += [images[i] for i in draw.permutation(len(images))[:count]]
    return frozenset(chosen)
