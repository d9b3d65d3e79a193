"""How light and dark lie in an image: edges, evenness, thin strokes. Brightness alone, in tiles of a grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from step1.colours import Array
from step1.squares import Pixels

_STEP = 4  # every fourth row is looked at, and for edges the one below it
_EDGE = 12  # the step in grey, of 255, above which a pixel lies on an edge
_TILES = 8  # tiles a side
_INK = 64  # a quarter of the scale below the tile's lightest pixel: ink
_STROKES = (0.02, 0.45)  # the share of a tile that ink covers where there are strokes, not specks nor areas
_GROUND = 32  # an eighth of the scale: what half of a tile must lie within, for the ink to be on something plain
_LIGHT = 128  # of 255: paper
_ENDS = 48  # of 255: within this of black or white a pixel is black or white


def patterns(pixels: Pixels) -> dict[str, Array]:
    """Numbers [n] for RGB images [n, side, side, 3], each from its own image alone.

    `sharpness`: the 99th percentile of the gradient, of 255. `texture`: the share of pixels on an edge. `unevenness`:
    how tiles differ in mean (against their standard deviation) and in standard deviation, 0 where all are alike.
    `paper`: the share of tiles whose lightest pixel is light. `strokes`: the share with strokes on something plain and
    lighter. `two_tone`: the share of pixels that are black or white.
    """
    n, high, wide, _ = pixels.shape
    grey = _grey(pixels.reshape(n, high // _STEP, _STEP, wide, 3)[:, :, :2])
    row, below = (grey[:, :, i].astype(np.int16) for i in (0, 1))
    return {**_edges(row, below), **_tiles(row)}


def _grey(pixels: Pixels) -> NDArray[np.uint8]:
    """ITU-R 601 luma of [..., w, 3], all in one call."""
    grey = Image.fromarray(pixels.reshape(-1, *pixels.shape[-2:])).convert("L")
    return np.asarray(grey).reshape(pixels.shape[:-1])


def _share(found: NDArray[np.bool_]) -> Array:
    """Of the last axis; summed in 16 bits, which is twice as fast as `mean`."""
    counts = np.add.reduce(found.view(np.uint8), axis=-1, dtype=np.uint16)
    share: Array = counts / found.shape[-1]
    return share


def _edges(row: NDArray[np.int16], below: NDArray[np.int16]) -> dict[str, Array]:
    down, across = np.abs(below - row)[..., :-1], np.abs(row[..., 1:] - row[..., :-1])
    step = np.maximum(down, across).reshape(len(row), -1)
    upto = (np.stack([np.bincount(s, minlength=256) for s in step]).cumsum(axis=1)) / step.shape[1]
    return {"sharpness": (upto < 0.99).sum(axis=1) / 255, "texture": 1 - upto[:, _EDGE]}


def _tiles(row: NDArray[np.int16]) -> dict[str, Array]:
    n, high, wide = row.shape
    tiled = row.reshape(n, _TILES, high // _TILES, _TILES, wide // _TILES).swapaxes(2, 3).reshape(n, _TILES**2, -1)
    pixels = tiled.astype(np.float32)
    mean = pixels.mean(axis=2)
    spread = np.sqrt(np.maximum((pixels * pixels).mean(axis=2) - mean * mean, 0))
    within = np.maximum(spread.mean(axis=1), 1)
    lightest = tiled.max(axis=2)
    ink = _share(tiled < lightest[..., None] - _INK)
    flat = _share(tiled >= lightest[..., None] - _GROUND) >= 0.5
    ends = (row < _ENDS) | (row > 255 - _ENDS)
    return {
        "unevenness": np.minimum(np.hypot(mean.std(axis=1), spread.std(axis=1)) / within, 9),
        "paper": (lightest >= _LIGHT).mean(axis=1),
        "strokes": (flat & (ink >= _STROKES[0]) & (ink <= _STROKES[1])).mean(axis=1),
        "two_tone": _share(ends.reshape(n, -1)),
    }
