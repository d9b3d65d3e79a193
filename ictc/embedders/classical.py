"""`classical:NAME`: features by formula, without any training: sift, hog, histogram, edges, lbp, or all of them.

They are what vectors of images were before networks, and the floor that other embedders are compared with. An image is
squashed to 224 x 224 pixels first. Vectors are as defined (`features.classical`), not of unit length; what is not
found is zeros. It needs OpenCV and scikit-image (`pip install 'ictc[classical]'`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec

from ictc.errors import MissingExtra, SpecError
from ictc.features.classical import FEATURES, SIDE
from ictc.images.decode import ImageFault, open_rgb
from ictc.interfaces import Tick, Vectors, no_tick
from ictc.registry import EmbedderContext
from ictc.types import Failure, Item
from step1.squares import squares

_VERSION = "classical/1"
"""To be changed with every change that can give other vectors."""

NEEDS = ("cv2", "skimage")
_PACKAGES = ("opencv-python-headless", "scikit-image", "pillow", "torch")


def create(argument: str, context: EmbedderContext) -> ClassicalFeatures:
    """The entry point `classical`.

    Raises:
        SpecError: there is no such feature.
        MissingExtra: OpenCV or scikit-image is not installed.
    """
    if argument not in FEATURES:
        names = ", ".join(f"classical:{name}" for name in FEATURES)
        raise SpecError(f"'classical:{argument}' names no feature.", f"Those there are: {names}")
    if any(find_spec(module) is None for module in NEEDS):
        raise MissingExtra(f"classical:{argument}", "classical")
    return ClassicalFeatures(argument)


class ClassicalFeatures:
    """Implements `ImageEmbedder`; each image by itself, on all cores."""

    portable = True

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def fingerprint(self) -> str:
        return f"{_VERSION}:{self._name},{','.join(f'{p}=={version(p)}' for p in _PACKAGES)}"

    def embed_images(self, items: Sequence[Item], tick: Tick = no_tick) -> list[Vectors | Failure]:
        found: list[Vectors | Failure] = []
        with ThreadPoolExecutor(os.cpu_count() or 1, "features") as pool:
            for one in pool.map(partial(_embedded, self._name), items):
                found.append(one)
                tick(1)
        return found


def _embedded(name: str, item: Item) -> Vectors | Failure:
    if item.path is None:
        return Failure(item.name, "image", "missing-file", "There is no image file, only a description.")
    try:
        image = open_rgb(item.path, hint=(SIDE, SIDE))
    except ImageFault as fault:
        return fault.failure(item.name)
    return FEATURES[name](squares([image], SIDE)[0])
