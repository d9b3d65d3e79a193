"""What kind of picture it is, for pictures whose subject no classifier of photographed things can know.

ImageNet has no class for a texture, a page of text or a starry sky, yet every picture gets its likeliest class. So a
few kinds of pictures are told by measurement. Each says up to which certainty of the classifier it is believed
instead: patterns, writing and silhouettes lie outside what the classifier was trained on, so that only near certainty
outweighs them; a plain background says little of the thing in front of it, so that a fair guess outweighs it.
"""

from __future__ import annotations

from step1.attributes import Measured
from step1.colours import shade_name

_STRANGE = 0.9  # for kinds of pictures that are unlike all that the classifier knows
_UNLIKELY = 0.5  # for kinds that the classifier's things are seldom in
_USUAL = 0.3  # for kinds that the classifier's things often are in

_EVEN = 0.35  # unevenness of tiles; objects and scenes are above .8
_DETAILED = 0.1  # share of pixels on an edge, below which there is neither pattern nor writing
_UNCOLOURED = 0.1  # saturation
_ALL = 0.9  # of the tiles, or of the pixels
_WRITTEN = 0.4  # share of tiles with strokes
_SCATTERED = 4.0  # tiles touched, against those that the same pixels in one piece would fill
_SPOTTED = 0.25  # share of tiles with spots
_AROUND = 0.6  # share of the frame that is background; a sky down to two thirds of the height has less
_TINY = 64  # pixels a side, below which a tile has too few of them for patterns, and blur passes for plainness
_SMOOTH, _FAINT = 0.05, 8.0  # share of pixels on an edge; contrast in L


def picture(m: Measured, certainty: float) -> str:
    """A phrase for the kind of picture, or "" where it is none of these or the classifier is sure enough of a thing."""
    ground = f"plain {shade_name(m.background, m.background_lightness)} background"
    subject = sum(share * light for share, light in zip(m.shares, m.lightnesses, strict=True))
    tone = "light" if subject > m.background_lightness else "dark"
    silhouette = bool(m.background) and m.two_tone >= _ALL and not _scattered(m)
    kinds = [(_STRANGE, silhouette, f"{tone} silhouette on a {ground}")]
    if max(m.width, m.height) >= _TINY:
        kinds += [
            (_STRANGE, _written(m), "text or drawing, thin dark strokes on a light page"),
            (_STRANGE, m.unevenness < _EVEN and m.texture >= _DETAILED, "texture, an even pattern all over"),
            (_UNLIKELY, _scattered(m), f"scattering of {tone} spots on a {ground}"),
            (_USUAL, m.framed >= _AROUND, f"shape on a {ground}"),
            (_UNLIKELY, m.texture < _SMOOTH and m.contrast < _FAINT, "smooth surface, faint and without edges"),
        ]
    return next((text for limit, holds, text in kinds if holds and certainty < limit), "")


def _written(m: Measured) -> bool:
    return m.saturation < _UNCOLOURED and m.texture >= _DETAILED and m.paper >= _ALL and m.strokes >= _WRITTEN


def _scattered(m: Measured) -> bool:
    return bool(m.background) and m.spread >= max(_SPOTTED, _SCATTERED * (1 - m.background_share))
