"""What can be measured in an image without recognising anything: colours, light, sharpness, shape.

Measured on the image squashed to the network's square, so one decoding and one resizing serve both. There is
no face count: nothing among the core dependencies finds faces, and guessing at them from skin colour is neither
reliable nor fair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from step1.colours import FAMILIES, Array, families, lit, polar, separate, to_lab

VERSION = 5
"""Raised whenever the same image could give other numbers."""

_REDUCE = 4  # colours are measured on 56 x 56 pixels (224 / 4), or 32 x 32
_EDGE = 12  # the step in grey, of 255, above which a pixel lies on an edge
_BLEND = 0.25  # of the shares: the colour that a subject on a plain background has as a whole


@dataclass(frozen=True, slots=True)
class Measured:
    """All shares and saturations in [0, 1]; lightnesses and contrast in CIELAB L units [0, 100].

    `shares` and `lightnesses` are of the subject's lit pixels, one per colour family (`colours.FAMILIES`); where there
    is one subject on a plain background, a quarter of the shares is the colour that all of it blends to. `tint` is
    the mean over these pixels of saturation times (cos, sin) of the hue; `background` is a family, "" if not plain.
    """

    width: int
    height: int
    shares: tuple[float, ...]
    lightnesses: tuple[float, ...]
    tint: tuple[float, float]
    background: str
    background_lightness: float
    background_share: float
    brightness: float
    contrast: float
    saturation: float
    warmth: float
    sharpness: float
    texture: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def from_json(stored: Mapping[str, Any]) -> Measured:
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in stored.items()}
    return Measured(**values)


def measure(image: Image.Image, size: tuple[int, int]) -> Measured:
    """`image` is RGB, squashed; `size` is the width and height it came with."""
    lab = to_lab(np.asarray(image.reduce(_REDUCE)))
    parts = separate(lab)
    subject = lit(parts.subject)
    names = families(subject)
    counts = np.bincount(names, minlength=len(FAMILIES))
    light = np.bincount(names, weights=subject[:, 0], minlength=len(FAMILIES)) / np.maximum(counts, 1)
    shares = counts / len(subject)
    if parts.background is not None:  # one subject has a colour as a whole, too: seen from afar, its spots blend
        whole = subject.mean(axis=0)
        family = families(whole[None])[0]
        shares = (1 - _BLEND) * shares + _BLEND * np.eye(len(FAMILIES))[family]
        light[family] = light[family] if counts[family] else whole[0]
    _, hue, saturation = polar(subject)
    angle = np.radians(hue)
    ground = parts.background
    colourfulness, warmth = _colourfulness(lab.reshape(-1, 3))
    sharpness, texture = _detail(np.asarray(image.convert("L")))
    return Measured(
        width=size[0],
        height=size[1],
        shares=_rounded(shares),
        lightnesses=_rounded(light),
        tint=(_round((saturation * np.cos(angle)).mean()), _round((saturation * np.sin(angle)).mean())),
        background="" if ground is None else FAMILIES[families(ground[None])[0]],
        background_lightness=0.0 if ground is None else _round(ground[0]),
        background_share=_round(parts.background_share),
        brightness=_round(lab[..., 0].mean()),
        contrast=_round(lab[..., 0].std()),
        saturation=colourfulness,
        warmth=warmth,
        sharpness=sharpness,
        texture=texture,
    )


def _colourfulness(lab: Array) -> tuple[float, float]:
    """Mean saturation, and warmth: the share of colourfulness that is red to yellow, .5 where there is none."""
    _, hue, saturation = polar(lab)
    coloured = np.where(saturation > 0.15, saturation, 0)
    warm = (hue < 105) | (hue > 330)
    total = float(coloured.sum())
    warmth = float(coloured[warm].sum()) / total if total > 0.02 * len(lab) else 0.5
    return _round(saturation.mean()), _round(warmth)


def _detail(grey: NDArray[np.uint8]) -> tuple[float, float]:
    """Sharpness: the 99th percentile of the gradient, of 255. Texture: the share of pixels on an edge."""
    signed = grey.astype(np.int16)
    down = np.abs(signed[1:, :-1] - signed[:-1, :-1])
    across = np.abs(signed[:-1, 1:] - signed[:-1, :-1])
    upto = np.bincount(np.maximum(down, across).ravel(), minlength=256).cumsum() / down.size
    return _round(np.searchsorted(upto, 0.99) / 255), _round(1 - upto[_EDGE])


def _round(value: float | np.floating[Any]) -> float:
    return round(float(value), 4)


def _rounded(values: NDArray[Any]) -> tuple[float, ...]:
    return tuple(_round(v) for v in values)
