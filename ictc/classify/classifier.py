"""A fitted classifier as a value: all that a new image's vector is compared with. `classify.saved` keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ictc.interfaces import Vectors
from ictc.lane.evening import View
from ictc.lane.fusion import fused
from ictc.lane.pairing import paired
from ictc.reasoners.space import scale_of
from ictc.reasoners.spherical import Array, Index

ZERO_SHOT, ALIGNED, NEAREST = "zero-shot", "aligned", "nearest"
METHODS = (ZERO_SHOT, ALIGNED, NEAREST)
SUPERVISED = "Supervised:"
"""How a note begins that says what was learnt from true classes."""


@dataclass(frozen=True)
class Classifier:
    """`classes` [k] are what is answered; likenesses times `scale` are the exponents of probabilities.

    Prompts, where they are used: `texts` [p, width] unit, `of` [p] the class of each. Clusters, where they are used:
    `centres` [m, w] in `view`, `owners` [m] the class of each, and how images were fused: `pairing` ("": not at all),
    with `pair_scale` for `soft`, `fusion` and `weight`. `embedder` is the spec whose vectors these are, `fingerprint`
    what it was then, `width` of its vectors. `groups`: true class -> the class that it counts as (strategy `grouped`).
    `criterion`, `strategy` and `notes` are for people.
    """

    method: str
    classes: tuple[str, ...]
    embedder: str
    fingerprint: str
    width: int
    scale: float
    texts: Vectors | None = None
    of: tuple[int, ...] = ()
    view: View | None = None
    centres: Vectors | None = None
    owners: tuple[int, ...] = ()
    pairing: str = ""
    pair_scale: float = 1.0
    fusion: str = "mean"
    weight: float = 0.5
    criterion: str = ""
    strategy: str = ""
    notes: tuple[str, ...] = ()
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def supervised(self) -> str:
        """What was learnt from true classes, "" where that is nothing."""
        return " ".join(note for note in self.notes if note.startswith(SUPERVISED))

    def classes_of(self, truth: Mapping[str, str]) -> Mapping[str, str]:
        """True classes by image, as they are named here."""
        return {image: self.groups.get(name, name) for image, name in truth.items()}

    def seen(self, images: Vectors, partners: Vectors | None = None) -> Vectors:
        """Unit rows [n, width] as they are compared with centres: fused with `partners`, else with the prompts that the
        pairing finds for them, and in the view."""
        assert self.view is not None
        if partners is None and self.pairing:
            assert self.texts is not None
            partners = paired(images, self.texts, self.pairing, scale=self.pair_scale)
        return self.view.of(images if partners is None else fused(images, partners, self.fusion, self.weight))


def closeness(rows: Vectors, centres: NDArray[np.floating]) -> Array:
    """[n, m] minus half the squared distance of each row to each centre: for unit rows and centres, the cosine less
    one."""
    a, b = rows.astype(np.float64), centres.astype(np.float64)
    found: Array = a @ b.T - 0.5 * ((a**2).sum(1)[:, None] + (b**2).sum(1))
    return found


def best_of(alike: NDArray[np.floating], owners: Sequence[int] | Index, k: int) -> Array:
    """[n, k] the largest of the columns that belong to each class; -inf for a class that owns none."""
    found = np.full((len(alike), k), -np.inf)
    for column, owner in enumerate(owners):
        np.maximum(found[:, owner], alike[:, column], out=found[:, owner])
    return found


def sharpness(alike: NDArray[np.floating], spread: float = 1.0) -> float:
    """The scale that makes the training images' likenesses [n, k] odds (see `reasoners.space.softmax`). `spread`: the
    mean squared length of rows where these are not of unit length, so that shorter vectors are not less sure."""
    there = alike[:, np.isfinite(alike).all(0)]
    return scale_of(there / spread) / spread


def spread_of(rows: Vectors) -> float:
    """The mean squared length of rows; 1 where all are zeros."""
    found = float(np.einsum("ij,ij->", rows, rows, dtype=np.float64)) / max(len(rows), 1)
    return found if found > 1e-12 else 1.0
