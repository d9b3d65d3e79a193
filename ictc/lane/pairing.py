"""Which prompt each image is fused with. For unit image vectors v [n, d] and unit prompt vectors t [k, d]:

best     t_j with the largest cosine <v, t_j>: the nearest prompt
soft     the mean of all t_j, weighted by softmax_j(scale * <v, t_j>); `scale` is the model's own logit scale where it
         has one (CLIP; Radford et al., ICML 2021), else it comes from the data (`ictc.reasoners.space.softmax`)
label    t_j of the image's TRUE class: supervised. It measures how far fusion could carry, and is no clustering that
         one could have without the truth; images without one (the test split) get their nearest prompt
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ictc.errors import UsageError
from ictc.interfaces import Vectors
from ictc.reasoners.space import softmax
from ictc.reasoners.spherical import Array, Index

Pairing = Literal["best", "soft", "label"]
PAIRINGS: tuple[str, ...] = get_args(Pairing)


def paired(
    images: Vectors, texts: Vectors, pairing: str, truth: Index | None = None, scale: float | None = None
) -> Vectors:
    """The partner [n, d] of each image. Equal similarities: the prompt that comes first.

    Args:
        images: unit rows [n, d].
        texts: unit rows [k, d], one a class.
        pairing: `best`, `soft` or `label`.
        truth: for `label`, the class of each image [n], -1 where it has none.
        scale: for `soft`, what the cosines are multiplied by; None: from the data.

    Raises:
        UsageError: there is no such pairing, the widths differ, or `label` has no truth.
    """
    alike = likeness_to(images, texts)
    if pairing == "best":
        nearest: Vectors = texts[alike.argmax(1)]
        return nearest
    if pairing == "label":
        if truth is None:
            raise UsageError("The pairing label needs the true classes.", "Add: --truth filename | folder | FILE")
        theirs: Vectors = texts[np.where(truth >= 0, truth, alike.argmax(1))]
        return theirs
    if pairing == "soft":
        return (shares(alike, scale) @ texts.astype(np.float64)).astype(np.float32)
    raise UsageError(f"There is no pairing '{pairing}'.", f"Those there are: {', '.join(PAIRINGS)}.")


def likeness_to(images: Vectors, texts: Vectors) -> Vectors:
    """Cosines [n, k] of unit rows.

    Raises:
        UsageError: the widths differ.
    """
    if images.shape[1] != texts.shape[1]:
        raise UsageError(
            f"Images have {images.shape[1]} numbers and prompts {texts.shape[1]}: they are of two spaces.",
            "Take an embedder that has both, such as offline or clip:REPO_OR_DIR.",
        )
    alike: Vectors = images @ texts.T
    return alike


def shares(alike: NDArray[np.floating], scale: float | None = None) -> Array:
    """Softmax [n, k] of cosines times `scale`, in float64; None: the scale comes from the data."""
    if scale is None:
        return softmax(alike)
    odds: Array = np.exp(scale * (alike - alike.max(1, keepdims=True)).astype(np.float64))
    odds /= odds.sum(1, keepdims=True)
    return odds
