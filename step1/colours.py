"""Colours as people name them, from pixels: CIELAB, the part of the image that matters, and names by hue.

A name is decided by hue angle, saturation and lightness in CIELAB (D65). Saturation is chroma over colourfulness
C / sqrt(C² + L²) (Lübbe 2010), which light and shade on one surface leave as it is: a shaded yellow stays yellow. The
borders between hues lie between the hue angles of the CSS colours of those names (red 40, orange 60-73, gold 87,
yellow 103, lime 136, cyan 196, blue 306, magenta 328, pink 8).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

FAMILIES = (
    "red", "orange", "brown", "yellow", "green", "teal", "blue", "purple", "pink", "beige", "black", "grey", "white"
)  # fmt: skip
_INDEX = {name: i for i, name in enumerate(FAMILIES)}

_BORDER = 0.05  # of the image's side: the frame that is taken for background
_SAME = 12.0  # CIE76 difference below which two colours are taken as one surface
_PLAIN = 0.5  # the share of the frame that must be of one colour to speak of a plain background
_LEAST = 0.03  # the least share of the image that a subject fills

_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]],
    np.float32,
)
_WHITE = np.array([0.95047, 1.0, 1.08883], np.float32)
_levels = np.arange(256) / 255
_LINEAR = np.where(_levels <= 0.04045, _levels / 12.92, ((_levels + 0.055) / 1.055) ** 2.4).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Table:
    """All colours, 6 bits a channel: CIELAB [3, 2¹⁸], families, saturations, and whether the hue is red to yellow."""

    lab: Array
    family: NDArray[np.uint8]
    saturation: Array
    warm: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Parts:
    """Of n images: the subject [n, side, side], the background (Lab [3, n]), if that is plain [n], and its shares of
    the image and of the frame."""

    subject: NDArray[np.bool_]
    background: Array
    plain: NDArray[np.bool_]
    share: Array
    framed: Array


@cache
def table() -> Table:
    """Looking a pixel up is ten times faster than working its colour out."""
    levels = np.rint(np.arange(64) * (255 / 63)).astype(np.uint8)
    lab = to_lab(np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3))
    _, hue, saturation = polar(lab)
    named = families(lab).astype(np.uint8)
    return Table(np.ascontiguousarray(lab.T), named, saturation, (hue < 105) | (hue > 330))


def codes(rgb: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Where colours [..., 3] stand in the table."""
    r, g, b = (rgb[..., c].astype(np.intp) >> 2 for c in range(3))
    return (r << 12) | (g << 6) | b


def to_lab(rgb: NDArray[np.uint8]) -> Array:
    """sRGB [..., 3] to CIELAB (D65), L in [0, 100]."""
    xyz = (_LINEAR[rgb] @ _XYZ.T) / _WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    lab: Array = np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)
    return lab


def separate(lab: Array) -> Parts:
    """The subject apart from a plain background; without one the subject is the whole image. `lab`: [3, n, h, w]."""
    edge = max(1, round(_BORDER * min(lab.shape[2:])))
    frame = np.ones(lab.shape[2:], bool)
    frame[edge:-edge, edge:-edge] = False
    ground = np.median(lab[:, :, frame], axis=-1)
    lightness, a, b = lab - ground[..., None, None]
    same = lightness**2 + a**2 + b**2 < _SAME**2
    share = same.mean(axis=(1, 2), dtype=np.float32)
    framed = same[:, frame].mean(axis=1, dtype=np.float32)
    plain = (framed >= _PLAIN) & (1 - share >= _LEAST)
    return Parts(~same | ~plain[:, None, None], ground, plain, np.where(plain, share, 0), np.where(plain, framed, 0))


def lit(lightness: Array, subject: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels [n, p] that show a surface's own colour: not the subject's shaded third, not its highlights."""
    ordered = np.sort(np.where(subject, lightness, np.inf), axis=1)
    last = subject.sum(axis=1, keepdims=True) - 1
    low, high = (np.take_along_axis(ordered, (q * last).astype(np.intp), axis=1) for q in (0.35, 0.97))
    chosen: NDArray[np.bool_] = subject & (lightness >= low) & (lightness <= high)
    return chosen


def families(lab: Array) -> NDArray[np.intp]:
    """The family (index into FAMILIES) of each colour [n, 3]."""
    lightness, hue, saturation = polar(lab)
    name = np.full(len(lab), _INDEX["pink"])
    for family, start, end in (
        ("red", 10, 52), ("orange", 52, 76), ("yellow", 76, 100), ("green", 100, 180), ("teal", 180, 222),
        ("blue", 222, 309), ("purple", 309, 336),
    ):  # fmt: skip
        name[(hue >= start) & (hue < end)] = _INDEX[family]
    name[(name == _INDEX["yellow"]) & (hue >= 98) & (lightness < 60)] = _INDEX["green"]  # olive
    name[(name == _INDEX["green"]) & (hue < 108) & (lightness > 85)] = _INDEX["yellow"]  # lemon
    reddish = (hue >= 345) | (hue < 36)
    name[reddish & (lightness < 45)] = _INDEX["red"]
    name[reddish & (lightness > 58) & (saturation < 0.65)] = _INDEX["pink"]
    earthy = (hue >= 36) & (hue < 90)
    name[earthy & (hue < 52) & (saturation < 0.55)] = _INDEX["brown"]
    name[earthy & (hue >= 50) & (hue < 76) & ((lightness < 48) | (saturation < 0.55))] = _INDEX["brown"]
    name[earthy & (hue >= 76) & (lightness < 45)] = _INDEX["brown"]
    name[(hue >= 40) & (hue < 112) & (lightness > 70) & (saturation < 0.35)] = _INDEX["beige"]
    grey = saturation < np.where(lightness > 75, 0.09, 0.14)
    name[grey] = _INDEX["grey"]
    name[grey & (lightness > 88)] = _INDEX["white"]
    name[(lightness < 22) & (grey | (saturation < 0.35))] = _INDEX["black"]
    name[lightness < 9] = _INDEX["black"]
    return name


def polar(lab: Array) -> tuple[Array, Array, Array]:
    """Lightness [0, 100], hue angle in degrees [0, 360), saturation [0, 1] of colours [n, 3]."""
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    hue = np.degrees(np.arctan2(lab[:, 2], lab[:, 1])) % 360
    return lab[:, 0], hue, chroma / np.sqrt(chroma**2 + lab[:, 0] ** 2 + 1e-6)


def shade_name(family: str, lightness: float) -> str:
    """The family with `dark` or `light` in front where its mean lightness asks for it."""
    if family in ("black", "white", "beige"):
        return family
    middle = {"yellow": 72, "orange": 62, "pink": 68, "brown": 42, "grey": 52, "blue": 45, "purple": 42}.get(family, 48)
    if lightness < middle - 20:
        return f"dark {family}"
    return f"light {family}" if lightness > middle + 24 else family
