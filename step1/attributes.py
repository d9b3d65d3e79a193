"""What can be measured in an image without recognising anything: colours, light, sharpness, shape.

Measured on the image squashed to the network's square, so one decoding and one resizing serve both. There is
no face count: nothing among the core dependencies finds faces, and guessing at them from skin colour is neither
reliable nor fair.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from step1.colours import FAMILIES, codes, families, lit, separate, table
from step1.patterns import patterns
from step1.squares import Pixels, scaled

VERSION = 9
"""Raised whenever the same image could give other numbers."""

_SMALL = 32  # colours are measured on 32 x 32 pixels
_GRID = 8  # tiles a side, for how far the subject is spread
_COLOURED = 0.15  # the saturation from which on a pixel counts as coloured
_BLEND = 0.25  # of the shares: the colour that a subject on a plain background has as a whole


@dataclass(frozen=True, slots=True)
class Measured:
    """All shares and saturations in [0, 1]; lightnesses and contrast in CIELAB L units [0, 100].

    `shares` and `lightnesses` are of the subject's lit pixels, one per colour family (`colours.FAMILIES`); where there
    is one subject on a plain background, a quarter of the shares is the colour that all of it blends to. `background`
    is a family, "" if not plain; `spread` the share of tiles of a grid that the subject touches, `framed` that
    of the frame that is background. The others: see `patterns`.
    """

    width: int
    height: int
    shares: tuple[float, ...]
    lightnesses: tuple[float, ...]
    background: str
    background_lightness: float
    background_share: float
    brightness: float
    contrast: float
    saturation: float
    warmth: float
    sharpness: float
    texture: float
    unevenness: float
    paper: float
    strokes: float
    two_tone: float
    spread: float
    framed: float

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _NAMES}


_NAMES = tuple(field.name for field in fields(Measured))


def from_json(stored: Mapping[str, Any]) -> Measured:
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in stored.items()}
    return Measured(**values)


def measure(pixels: Pixels, sizes: Sequence[tuple[int, int]]) -> list[Measured]:
    """Of RGB images squashed to squares [n, side, side, 3]; `sizes` are the widths and heights they came with.

    All images at once, since Python's overhead for each alone would outweigh the arithmetic. Every sum is over one
    image's own row: the numbers do not depend on the company.
    """
    n, known = len(pixels), table()
    code = codes(scaled(pixels, _SMALL, "bilinear"))
    lab = np.take(known.lab, code, axis=1)
    parts = separate(lab)
    lab, code = lab.reshape(3, n, -1), code.reshape(n, -1)
    subject = lit(lab[0], parts.subject.reshape(n, -1))
    lit_pixels = subject.sum(axis=1)
    bins = (known.family[code] + len(FAMILIES) * np.arange(n)[:, None])[subject]
    counts = np.bincount(bins, minlength=n * len(FAMILIES)).reshape(n, -1)
    total_light = np.bincount(bins, weights=lab[0][subject], minlength=n * len(FAMILIES)).reshape(n, -1)
    light = total_light / np.maximum(counts, 1)
    shares = counts / lit_pixels[:, None]
    whole = np.where(subject, lab, 0).sum(axis=-1) / lit_pixels
    # one subject on a plain background has a colour as a whole, too: seen from afar, its spots blend
    blend = np.where(parts.plain, _BLEND, 0)[:, None] * np.eye(len(FAMILIES))[families(whole.T)]
    light = np.where((blend > 0) & (counts == 0), whole[0][:, None], light)
    shares = (1 - blend.sum(axis=1, keepdims=True)) * shares + blend
    grounds = families(parts.background.T)
    colourfulness = known.saturation[code]
    coloured = np.where(colourfulness > _COLOURED, colourfulness, 0)
    total, warm = coloured.sum(axis=1), np.where(known.warm[code], coloured, 0).sum(axis=1)
    warmth = np.where(total > 0.02 * code.shape[1], warm / np.maximum(total, 1e-6), 0.5)
    tiles = parts.subject.reshape(n, _GRID, _SMALL // _GRID, _GRID, _SMALL // _GRID)
    touched = np.any(tiles, axis=(2, 4))
    plain = parts.plain
    columns = {
        "background_lightness": np.where(plain, parts.background[0], 0),
        "background_share": parts.share,
        "brightness": lab[0].mean(axis=1),
        "contrast": lab[0].std(axis=1),
        "saturation": colourfulness.mean(axis=1),
        "warmth": warmth,
        "framed": parts.framed,
        "spread": touched.mean(axis=(1, 2)),
        **patterns(pixels),
    }
    rows = np.round(np.stack(list(columns.values()), axis=1).astype(float), 4).tolist()
    return [
        Measured(
            width=size[0],
            height=size[1],
            shares=tuple(share),
            lightnesses=tuple(lightness),
            background=FAMILIES[ground] if on_plain else "",
            **dict(zip(columns, row, strict=True)),
        )
        for size, share, lightness, ground, on_plain, row in zip(
            sizes, np.round(shares, 4).tolist(), np.round(light, 4).tolist(), grounds, plain, rows, strict=True
        )
    ]
