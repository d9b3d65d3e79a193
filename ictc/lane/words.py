"""What lies nearest to an image in words: a vocabulary of 1,000 classes and their everyday kinds (`step1.tags`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from ictc.interfaces import Vectors
from ictc.lane.naming import name_clusters
from ictc.reasoners.spherical import BLOCK, Index
from step1.tags import EVERYDAY, vocabulary

Embed = Callable[[Sequence[str]], Vectors]
SHOWN = 3


@cache
def _everyday() -> frozenset[str]:
    known = vocabulary()
    return frozenset(kind for kind, uses in zip(known.kinds, known.uses.tolist(), strict=True) if uses >= EVERYDAY)


@cache
def words() -> tuple[str, ...]:
    """Names of classes and everyday kinds, each once."""
    known = vocabulary()
    return tuple(dict.fromkeys([*known.names, *(kind for kind in known.kinds if kind in _everyday())]))


def nearest_words(images: Vectors, embed: Embed, count: int = SHOWN) -> list[list[str]]:
    """For each unit row [n, d] the `count` words that it fits best, the best first."""
    known, texts = words(), embed(words())
    found: list[list[str]] = []
    for start in range(0, len(images), BLOCK):
        alike = images[start : start + BLOCK] @ texts.T
        near = np.argpartition(-alike, count, axis=1)[:, :count]
        order = np.take_along_axis(-alike, near, axis=1).argsort(axis=1, kind="stable")
        found += [[known[j] for j in row] for row in np.take_along_axis(near, order, axis=1)]
    return found


def names_by_class(groups: Index, nearest: Index, names: Sequence[str], k: int) -> list[str]:
    """A name per group, "" where none is left: the one-to-one match under which most images lie in the group that is
    named after their nearest prompt."""
    from scipy.optimize import linear_sum_assignment

    table = np.zeros((k, len(names)), dtype=np.int64)
    inside = groups >= 0
    np.add.at(table, (groups[inside], nearest[inside]), 1)
    found = [""] * k
    for row, column in zip(*linear_sum_assignment(-table), strict=True):
        found[int(row)] = names[int(column)]
    return found


def names_by_words(images: Vectors, groups: Index, given: Sequence[str], embed: Embed) -> list[str]:
    """Names for the groups that have none in `given` (`naming.name_clusters`), everyday words first."""
    known = words()
    everyday = _everyday()
    return name_clusters(groups, images, known, embed(known), given=given, plain=[w in everyday for w in known])
