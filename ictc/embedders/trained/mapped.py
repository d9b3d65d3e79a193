"""Trained encoders mapped into a space of images and texts (`training.mapping`), alone or beside its own vectors.

The folder has the encoders' weights; of the joint space it has the spec, since that may be gigabytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ictc.embedders.encoder import ImageEncoder
from ictc.embedders.trained.base import Base
from ictc.embedders.trained.encoder import BackboneTower
from ictc.errors import SpecError
from ictc.interfaces import Tick, Vectors, no_tick
from ictc.models.backbones.opening import ENCODER, load, rebuild
from ictc.models.trained import TrainedFolder
from ictc.progress import portion
from ictc.reasoners.spherical import unit
from ictc.registry import EmbedderContext
from ictc.types import Failure, Item

if TYPE_CHECKING:
    from torch import Tensor

Matrix = NDArray[np.float64]

_VERSION = "trained-map/1"
"""To be changed with every change here that can give other vectors."""


def create(found: TrainedFolder, context: EmbedderContext) -> Mapped:
    """Raises SpecError: the joint space cannot be used, or is not the one that was mapped to."""
    return Mapped(found, Base(found, context), context)


class Mapped:
    """Implements `JointEmbedder` and `Trained`. An image is the unit vector of (1 - w) its vector in the joint space
    and w what its features are mapped to, both of unit length; a text is what it is in the joint space."""

    def __init__(self, found: TrainedFolder, base: Base, context: EmbedderContext) -> None:
        self._found, self._base = found, base
        self._weights: dict[str, Tensor] = {}
        self.seen = found.seen
        self._encoders = [
            ImageEncoder(lambda: self.fingerprint, context.options, partial(self._tower, i, context.options.device))
            for i in range(len(found.made["encoders"]))
        ]

    @property
    def fingerprint(self) -> str:
        packages = f"torch=={version('torch')},pillow=={version('pillow')}"
        return f"{_VERSION}:{self._found.digest},{packages},{self._base.fingerprint}"

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        return self._base.texts(texts, tick)

    def embed_images(self, items: Sequence[Item], tick: Tick = no_tick) -> list[Vectors | Failure]:
        """float32 [d] of unit length. Raises SpecError: the weights are damaged or of another architecture."""
        weight = float(self._found.made["weight"])
        part = portion((len(self._encoders) + (weight < 1)) * len(items), tick, len(items))
        found = [encoder.embed_images(items, part) for encoder in self._encoders]
        if weight < 1:
            found.append(self._base.rows(items, part)[0])
        failed = [next((f for f in each if isinstance(f, Failure)), None) for each in zip(*found, strict=True)]
        kept = [i for i, failure in enumerate(failed) if failure is None]
        if not kept:
            return [f for f in failed if f]
        columns = [np.array([each[i] for i in kept], np.float64) for each in found]
        mapped = unit(self._map(np.hstack(columns[: len(self._encoders)])))
        rows = iter((unit((1 - weight) * unit(columns[-1]) + weight * mapped) if weight < 1 else mapped).astype("f4"))
        return [failure or next(rows) for failure in failed]

    def _map(self, features: Matrix) -> Matrix:
        mean, scale, weight, bias = (self._part(f"map.{n}").numpy() for n in ("mean", "scale", "weight", "bias"))
        if not features.shape[1] == len(mean) == len(scale) == len(weight) or weight.shape[1] != len(bias):
            raise SpecError(f"{self._found.spec}: its map is of other encoders.", "Copy the folder again.")
        mapped: Matrix = (features - mean) / scale @ weight + bias
        return mapped

    def _tower(self, number: int, device: str | None) -> BackboneTower:
        backbone, start = rebuild(self._found.made["encoders"][number]), f"{ENCODER}{number}."
        own = {n.removeprefix(start): w for n, w in self._all().items() if n.startswith(start)}
        load(backbone.module, own, self._found.spec)
        return BackboneTower(backbone, device)

    def _part(self, name: str) -> Tensor:
        if name not in self._all():
            raise SpecError(f"{self._found.spec}: its weights have no {name}.", "Copy the folder again.")
        return self._all()[name]

    def _all(self) -> dict[str, Tensor]:
        self._weights = self._weights or self._found.weights()
        return self._weights
