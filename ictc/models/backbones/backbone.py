"""A network of images that can be trained, and what it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Means and standard deviations of the channels, from 0 to 1, that most published networks were trained with."""


@dataclass(frozen=True)
class Backbone:
    """`module`: normalised pixels float32 [n, 3, side, side] to features [n, dim]. `made`: JSON from which `rebuild`
    makes the same module without its weights. `weights` says which it begins with, "" for random ones; `seen`: the
    SHA-256 of the images that these were trained on here."""

    module: Module
    dim: int
    side: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    made: Mapping[str, Any]
    weights: str = ""
    seen: frozenset[str] = frozenset()

    def normalised(self, pixels: Tensor) -> Tensor:
        """Pixels from 0 to 1, [n, 3, h, w], as the network wants them."""
        mean = pixels.new_tensor(self.mean).view(1, 3, 1, 1)
        std = pixels.new_tensor(self.std).view(1, 3, 1, 1)
        return (pixels - mean) / std
