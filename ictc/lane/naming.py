"""Names for groups of images: words that lie near to a group's images and less near to those of the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ictc.interfaces import Vectors
from ictc.reasoners.spherical import Array, Index, means, unit

CONTRAST = 0.5
"""Of a word's mean likeness to the other groups, what is taken off its likeness to one. With nothing taken off, a word
that is near to all images names one of the groups; with all of it, groups that are much the same are named by what
little they differ in (`ball`, `hockey puck` for fruits). On true and found groups of CIFAR-10 and fruits the names'
likeness to the classes' (MiniLM) was .60 without, .65 with half and .57 with all of it."""
PLAIN = 1.0
"""What a plain word is ahead of a technical one, in standard deviations of all scores: `dog` before `toy spaniel`."""


def name_clusters(
    groups: Index,
    images: Vectors,
    words: Sequence[str],
    vectors: Vectors,
    *,
    given: Sequence[str] = (),
    plain: Sequence[bool] = (),
) -> list[str]:
    """A name of its own for every group, `cluster 3` where words or images are missing.

    All names are chosen together (Hungarian method), so that the sum of their scores is greatest.

    Args:
        groups: [n] 0 to k - 1, -1 for outliers.
        images: [n, d] unit rows of the space that the words are in.
        words: [m] distinct; vectors: [m, d] their unit rows.
        given: [k] names that stay, "" where one is wanted; without it, as many groups as there are.
        plain: [m] which words are of everyday speech.
    """
    from scipy.optimize import linear_sum_assignment

    k = max(len(given), int(groups.max(initial=-1)) + 1)
    names = [*given, *[""] * (k - len(given))]
    open_ = [g for g, name in enumerate(names) if not name and (groups == g).any()]
    free = [i for i, word in enumerate(words) if word not in names]
    if open_ and free:
        score = _fit(unit(means(images, groups, k)), vectors[free], open_)
        if len(plain):
            score += PLAIN * float(score.std()) * np.asarray(plain, dtype=bool)[free]
        for row, column in zip(*linear_sum_assignment(-score), strict=True):
            names[open_[int(row)]] = words[free[int(column)]]
    return [name or f"cluster {g}" for g, name in enumerate(names, 1)]


def _fit(centres: Array, vectors: NDArray[np.floating], open_: Sequence[int]) -> Array:
    """[open, words] likeness of each word to a group less a part of its mean likeness to the others."""
    alike: Array = centres @ vectors.astype(np.float64).T
    filled = centres.any(axis=1)
    others = int(filled.sum()) - 1
    if others < 1:
        return alike[list(open_)]
    elsewhere = (alike[filled].sum(0) - alike) / others
    told: Array = alike - CONTRAST * elsewhere
    return told[list(open_)]
