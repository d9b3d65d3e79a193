"""Classical features of one RGB image uint8 [224, 224, 3], as float32 vectors that are not scaled to unit length.

What is not found (no keypoint in a quadrant) is zeros. Definitions and references at each function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

SIDE = 224
_CELL = 56  # pixels a side of HOG's cells: 4 x 4 of them
_BINS = 32  # of a colour channel
_WEAK, _STRONG = 100, 200  # Canny's thresholds, of gradients of 8-bit grey
_GRID = 8  # tiles a side, for edges
_POINTS = 8  # of LBP, at radius 1

Pixels = NDArray[np.uint8]
Vector = NDArray[np.float32]


def sift(pixels: Pixels) -> Vector:
    """[512]: the mean SIFT descriptor (Lowe, IJCV 2004) of each quadrant, top left, top right, bottom left, bottom
    right; a keypoint on the middle line counts to the right or below."""
    import cv2

    points, found = cv2.SIFT_create().detectAndCompute(grey(pixels), None)
    out = np.zeros((4, 128), np.float32)
    if found is None:
        return out.ravel()
    x, y = np.array([p.pt for p in points]).T
    quadrant = 2 * (y >= SIDE / 2) + (x >= SIDE / 2)
    for i in np.unique(quadrant):
        out[i] = found[quadrant == i].mean(axis=0)
    return out.ravel()


def hog(pixels: Pixels) -> Vector:
    """[324]: histograms of oriented gradients (Dalal and Triggs, CVPR 2005): 9 orientations in cells of 56 x 56 pixels,
    blocks of 2 x 2 cells, each block's L2-Hys norm."""
    from skimage.feature import hog as histograms

    found: Vector = histograms(grey(pixels), 9, (_CELL, _CELL), (2, 2), "L2-Hys").astype(np.float32)
    return found


def histogram(pixels: Pixels) -> Vector:
    """[96]: the shares of the pixels in 32 bins of red, then of green, then of blue (Swain and Ballard, IJCV 1991)."""
    width = 256 // _BINS
    counts = [np.bincount(pixels[..., c].ravel() // width, minlength=_BINS) for c in range(3)]
    shares: Vector = (np.concatenate(counts) / pixels[..., 0].size).astype(np.float32)
    return shares


def edges(pixels: Pixels) -> Vector:
    """[64]: the share of edge pixels (Canny, PAMI 1986; thresholds 100 and 200) in each tile of an 8 x 8 grid, row by
    row."""
    import cv2

    found = cv2.Canny(grey(pixels), _WEAK, _STRONG) > 0
    tile = SIDE // _GRID
    shares: Vector = found.reshape(_GRID, tile, _GRID, tile).mean(axis=(1, 3), dtype=np.float32)
    return shares.ravel()


def lbp(pixels: Pixels) -> Vector:
    """[10]: the shares of the uniform local binary patterns (Ojala et al., PAMI 2002), 8 points at radius 1."""
    from skimage.feature import local_binary_pattern

    codes = local_binary_pattern(grey(pixels), _POINTS, 1, "uniform").astype(np.intp)
    shares: Vector = (np.bincount(codes.ravel(), minlength=_POINTS + 2) / codes.size).astype(np.float32)
    return shares


def everything(pixels: Pixels) -> Vector:
    """[1006]: all of the above, in this order."""
    return np.concatenate([one(pixels) for one in (sift, hog, histogram, edges, lbp)])


FEATURES: Mapping[str, Callable[[Pixels], Vector]] = MappingProxyType(
    {"sift": sift, "hog": hog, "histogram": histogram, "edges": edges, "lbp": lbp, "all": everything}
)


def grey(pixels: Pixels) -> Pixels:
    """ITU-R 601 luma [224, 224]."""
    import cv2

    made: Pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return made
