"""Vectors of an embedder made into fewer numbers (`training.compress`), not of unit length.

Of images alone, also where the base embeds texts: what tells images apart was learned from images, and texts lie
elsewhere in a space of both (Liang et al., "Mind the gap", NeurIPS 2022). Texts alone are no base: what is said of
images is embedded by `described:`, which is one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ictc.embedders.trained.base import Base, placed
from ictc.errors import SpecError
from ictc.interfaces import Tick, Vectors, no_tick
from ictc.models.trained import TrainedFolder
from ictc.registry import EmbedderContext
from ictc.types import Failure, Item

_VERSION = "trained-compressed/1"
"""To be changed with every change here that can give other vectors."""


def create(found: TrainedFolder, context: EmbedderContext) -> Compressed:
    """Raises SpecError: the base cannot be used, or is not the one that was trained on."""
    return Compressed(found, Base(found, context))


class Compressed:
    """Implements `ImageEmbedder`, `Foreseeing` and `Trained`."""

    def __init__(self, found: TrainedFolder, base: Base) -> None:
        self._found, self._base = found, base
        self._weights: dict[str, Vectors] | None = None
        self.seen = found.seen

    @property
    def fingerprint(self) -> str:
        return f"{_VERSION}:{self._found.digest},{self._base.fingerprint}"

    def foresee(self, items: Sequence[Item]) -> None:
        self._base.foresee(items)

    def embed_images(self, items: Sequence[Item], tick: Tick = no_tick) -> list[Vectors | Failure]:
        """Raises SpecError: the weights are damaged, or of another architecture than the base's vectors."""
        found, rows = self._base.rows(items, tick)
        if not len(rows):
            return found
        w = self._loaded()
        mean, scale, weight = w["mean"], w["scale"], w["encoder.weight"]
        if not rows.shape[1] == len(mean) == len(scale) == weight.shape[1]:
            raise SpecError(
                f"{self._found.spec}: its weights are for vectors of {weight.shape[1]} numbers, and "
                f"{self._base.spec} gives {rows.shape[1]}.",
                "Copy the folder again, or train anew.",
            )
        less = (rows - mean) / scale @ weight.T + w["encoder.bias"]
        less = np.maximum(less, 0) if self._found.made["rectified"] else less
        return placed(found, less.astype(np.float32))

    def _loaded(self) -> dict[str, Vectors]:
        if self._weights is None:
            weights = {name: one.numpy() for name, one in self._found.weights().items()}
            lacking = {"mean", "scale", "encoder.weight", "encoder.bias"} - weights.keys()
            if lacking or len(weights["encoder.weight"]) != self._found.made["dim"]:
                raise SpecError(
                    f"{self._found.spec}: its weights are of another architecture.", "Copy it again, or train anew."
                )
            self._weights = weights
        return self._weights
