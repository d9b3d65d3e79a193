"""The nearest prompt (Radford et al., "Learning transferable visual models from natural language supervision", 2021):
the class whose prompt has the largest cosine with the image. Of the run's images it learns only how sure to be.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ictc.classify.classifier import ZERO_SHOT, Classifier, best_of, sharpness
from ictc.interfaces import Vectors
from ictc.lane.pairing import likeness_to
from ictc.lane.place import Placed
from ictc.reasoners.spherical import Array


def fit(base: Classifier, placed: Placed) -> Classifier:
    """`base` has embedder and words; `placed` are the run's images among the prompts."""
    assert placed.texts is not None
    classes = tuple(dict.fromkeys(placed.names))
    made = replace(
        base, method=ZERO_SHOT, classes=classes, texts=placed.texts, of=tuple(map(classes.index, placed.names))
    )
    return replace(made, scale=sharpness(alike(made, placed.images)))


def alike(made: Classifier, images: Vectors) -> Array:
    """Cosines [n, k] of unit rows with each class's prompt, the best where it has several."""
    assert made.texts is not None
    return best_of(likeness_to(images, made.texts).astype(np.float64), made.of, len(made.classes))
