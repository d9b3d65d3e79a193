"""One vector of an image and of its prompt. For unit rows v (image) and t (its partner), and a weight w of the prompt:

mean     (v + t) / 2                  the published fusion: the mean of the two unit vectors
sum      (1 - w) v + w t              w = 0 is the image alone, w = 1 the prompt alone, w = .5 the mean
concat   [sqrt(1 - w) v, sqrt(w) t]   side by side; the cosine of two images is the weighted mean of both parts'

Then the mean of all rows is taken away (`lane.evening`). That changes no distance, so k-means and all that goes by
Euclidean distance find what they find in the published vectors; and for what goes by angles it takes away what all
images share: what a `generic` prompt adds, and the gap between images and texts (Liang et al., "Mind the Gap", NeurIPS
2022).
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from ictc.errors import UsageError
from ictc.interfaces import Vectors

Fusion = Literal["mean", "sum", "concat"]
FUSIONS: tuple[str, ...] = get_args(Fusion)
WEIGHTS = tuple(i / 10 for i in range(11))
"""What `--weight sweep` tries."""


def fused(images: Vectors, partners: Vectors, fusion: str, weight: float = 0.5) -> Vectors:
    """float32 [n, d] (`concat`: [n, 2d]) of images and their partners, both unit rows.

    Raises:
        UsageError: there is no such fusion, or the weight is not in [0, 1].
    """
    check_weight(weight)
    if fusion == "mean":
        return ((images + partners) / 2).astype(np.float32)
    if fusion == "sum":
        return ((1 - weight) * images + weight * partners).astype(np.float32)
    if fusion == "concat":
        return np.hstack([np.sqrt(1 - weight) * images, np.sqrt(weight) * partners]).astype(np.float32)
    raise UsageError(f"There is no fusion '{fusion}'.", f"Those there are: {', '.join(FUSIONS)}.")


def check_weight(weight: float) -> None:
    """Raises UsageError: it is not in [0, 1]."""
    if not 0 <= weight <= 1:
        raise UsageError(f"The weight is {weight}; it must be between 0 and 1.", "For example: --weight 0.5")
