"""Pictures made worse on purpose, six ways at three strengths (after Hendrycks and Dietterich, ICLR 2019)."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

SIDE = 512
"""Pixels of the longer side that changed pictures have at most: no embedder here looks at more."""

_GREY = (127, 127, 127)
Draw = np.random.Generator
Picture = Image.Image


@dataclass(frozen=True, slots=True)
class Change:
    """`strength` 0 is a copy with nothing changed; `value` is what `unit` says."""

    kind: str
    strength: int
    value: float
    unit: str

    @property
    def name(self) -> str:
        return f"{self.kind} {self.value:g}"


COPY = Change("copy", 0, 1, "the picture as it is, written anew")


def changed(picture: Picture, change: Change, seed: int, sha256: str) -> Picture:
    """What is drawn depends on the seed, the image and the change alone."""
    if change.kind == COPY.kind:
        return picture
    draw = np.random.default_rng([seed, int(sha256[:12] or "0", 16), CHANGES.index(change)])
    return _MAKE[change.kind][0](picture, change.value, draw)


def _noise(picture: Picture, value: float, draw: Draw) -> Picture:
    pixels = np.asarray(picture, dtype=np.float32)
    noisy = pixels + draw.normal(0, 255 * value, pixels.shape)
    return Image.fromarray(noisy.clip(0, 255).round().astype(np.uint8))


def _blur(picture: Picture, value: float, _draw: Draw) -> Picture:
    return picture.filter(ImageFilter.GaussianBlur(value * min(picture.size)))


def _jpeg(picture: Picture, value: float, _draw: Draw) -> Picture:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=int(value))
    return Image.open(out).convert("RGB")


def _crop(picture: Picture, value: float, draw: Draw) -> Picture:
    size = [max(1, round(value * side)) for side in picture.size]
    left, top = (int(draw.integers(0, full - kept + 1)) for full, kept in zip(picture.size, size, strict=True))
    return picture.crop((left, top, left + size[0], top + size[1]))


def _occlusion(picture: Picture, value: float, draw: Draw) -> Picture:
    size = [max(1, round(value**0.5 * side)) for side in picture.size]
    left, top = (int(draw.integers(0, full - hidden + 1)) for full, hidden in zip(picture.size, size, strict=True))
    covered = picture.copy()
    covered.paste(_GREY, (left, top, left + size[0], top + size[1]))
    return covered


def _brightness(picture: Picture, value: float, _draw: Draw) -> Picture:
    return ImageEnhance.Brightness(picture).enhance(value)


_MAKE: dict[str, tuple[Callable[[Picture, float, Draw], Picture], tuple[float, float, float], str]] = {
    "noise": (_noise, (0.05, 0.1, 0.2), "standard deviation of Gaussian noise, of the whole range"),
    "blur": (_blur, (0.015, 0.03, 0.06), "radius of a Gaussian blur, of the shorter side"),
    "jpeg": (_jpeg, (50, 20, 8), "quality"),
    "crop": (_crop, (0.9, 0.75, 0.5), "of each side that is kept, at a random place"),
    "occlusion": (_occlusion, (0.1, 0.25, 0.5), "of the area, behind grey at a random place"),
    "brightness": (_brightness, (0.7, 0.4, 0.2), "times as bright"),
}
KINDS: Sequence[str] = tuple(_MAKE)
CHANGES: Sequence[Change] = tuple(
    Change(kind, strength, value, unit)
    for kind, (_, values, unit) in _MAKE.items()
    for strength, value in enumerate(values, 1)
)
