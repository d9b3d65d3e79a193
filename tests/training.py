"""Small real pictures to train on: scikit-learn's digits, which ship with it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


@cache
def _digits() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    from sklearn.datasets import load_digits

    found = load_digits()
    return found.images, found.target


def write_digits(folder: Path, each: int = 12, classes: int = 3, side: int = 16) -> Path:
    """`each` images of the first `classes` digits, in folders named `n0`, `n1`, ..."""
    images, targets = _digits()
    for digit in range(classes):
        (folder / f"n{digit}").mkdir(parents=True, exist_ok=True)
        for i, at in enumerate(np.flatnonzero(targets == digit)[:each]):
            picture = Image.fromarray((images[at] * 15.9).astype("uint8")).resize((side, side))
            picture.convert("RGB").save(folder / f"n{digit}" / f"{i:03}.png")
    return folder
