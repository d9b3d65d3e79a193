"""STL-10's binary files, as its page describes them: images one after the other, 96 x 96 of red, then green, then blue,
each column by column (MATLAB's order); labels are bytes from 1, one an image; names one a line."""

from __future__ import annotations

import numpy as np

from ictc.datasets.recipe import Pixels, Place
from ictc.errors import InputError

SIDE = 96
_IMAGE = 3 * SIDE * SIDE
_MOST = 1 << 30
_AGAIN = "It was cut off or changed: get the archive again."


def images(place: Place, name: str) -> Pixels:
    """(number, 96, 96, 3), read only."""
    data = np.frombuffer(place.read(name, _MOST), np.uint8)
    if not len(data) or len(data) % _IMAGE:
        whole = len(data) // _IMAGE
        raise InputError(
            f"{name} has {len(data):,} bytes: {whole:,} images of {_IMAGE:,} and a part of one from byte"
            f" {whole * _IMAGE:,} on.",
            _AGAIN,
        )
    return data.reshape(-1, 3, SIDE, SIDE).transpose(0, 3, 2, 1)


def classes(place: Place, name: str, names: list[str], count: int) -> list[str]:
    """The class of each of `count` images."""
    labels = np.frombuffer(place.read(name, _MOST), np.uint8)
    if len(labels) != count:
        raise InputError(f"{name} has {len(labels):,} labels for {count:,} images.", _AGAIN)
    if count and (labels.min() < 1 or labels.max() > len(names)):
        at = int(np.argmax((labels < 1) | (labels > len(names))))
        raise InputError(f"{name}: byte {at} is {labels[at]}, not 1 to {len(names)}.", _AGAIN)
    return [names[label - 1] for label in labels]
