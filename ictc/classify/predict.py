"""From vectors of new images to classes and probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ictc.classify import aligned, nearest, zeroshot
from ictc.classify.classifier import ALIGNED, NEAREST, ZERO_SHOT, Classifier
from ictc.errors import UsageError
from ictc.interfaces import Vectors
from ictc.lane.pairing import shares
from ictc.reasoners.spherical import BLOCK, Array

_ALIKE: Mapping[str, Callable[[Classifier, Vectors], Array]] = {
    ZERO_SHOT: zeroshot.alike,
    ALIGNED: aligned.alike,
    NEAREST: nearest.alike,
}
DIGITS = 4


@dataclass(frozen=True, slots=True)
class Prediction:
    """Of one image: the class, and the probability of every class to four places, in the order of the classes."""

    image: str
    sha256: str
    class_: str
    probabilities: tuple[float, ...]

    @property
    def probability(self) -> float:
        return max(self.probabilities)

    def to_json(self, classes: tuple[str, ...]) -> dict[str, Any]:
        return {
            "image": self.image,
            "sha256": self.sha256,
            "class": self.class_,
            "probability": self.probability,
            "probabilities": dict(zip(classes, self.probabilities, strict=True)),
        }


def probabilities(made: Classifier, images: Vectors) -> Array:
    """[n, k] of unit rows; a row depends on its image alone, never on the others of a call.

    Raises:
        UsageError: the rows are of another width than those that it was made of.
    """
    if images.shape[1] != made.width:
        raise UsageError(
            f"These vectors have {images.shape[1]} numbers, those that the classifier was made of {made.width}.",
            f"Give the embedder that it was made with: --embedder {made.embedder}",
        )
    parts = [shares(_ALIKE[made.method](made, images[i : i + BLOCK]), made.scale) for i in range(0, len(images), BLOCK)]
    return np.concatenate(parts) if parts else np.zeros((0, len(made.classes)))
