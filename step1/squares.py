"""From images of any shape to squares of pixels, without cropping: what stands at the rim counts.

Large images are scaled down one by one by Pillow, whose two-step reduction reads each pixel once. Small ones are
enlarged together, by size, by torch: the same bicubic filter, ten times faster (its 8-bit kernel is vectorised), and
for small images resizing would otherwise cost as much as decoding and measuring together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


def squares(images: Sequence[Image.Image], side: int) -> Pixels:
    """RGB images squashed to [n, side, side, 3], in order; each from its own pixels alone."""
    out = np.empty((len(images), side, side, 3), np.uint8)
    small: dict[tuple[int, int], list[int]] = {}
    for i, image in enumerate(images):
        if max(image.size) <= side:
            small.setdefault(image.size, []).append(i)
        else:
            out[i] = np.asarray(image.resize((side, side), Image.Resampling.BICUBIC, reducing_gap=2.0))
    for places in small.values():
        out[places] = scaled(np.stack([np.asarray(images[i]) for i in places]), side, "bicubic")
    return out


def scaled(pixels: Pixels, side: int, filter_name: str) -> Pixels:
    """[n, h, w, 3] to [n, side, side, 3] by one of torch's filters, widened when scaling down as Pillow does."""
    import torch
    from torch.nn.functional import interpolate

    with torch.inference_mode():
        batch = torch.from_numpy(pixels).permute(0, 3, 1, 2)  # channels last in memory: the fast way
        out = interpolate(batch, size=(side, side), mode=filter_name, antialias=True).permute(0, 2, 3, 1)
        made: Pixels = out.contiguous().numpy()
    return made
