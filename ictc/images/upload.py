"""A picture as it goes to a model: decoded pixels alone, so no EXIF and no position comes along, and not too large."""

from __future__ import annotations

import base64
from io import BytesIO

from PIL import Image

from ictc.images.decode import open_rgb
from ictc.images.files import ImageFault
from ictc.types import Failure, Item

VERSION = "upload/1"
"""Part of every fingerprint of a model that is shown pictures: another way to prepare them gets another number."""

_SMALL = 256  # pixels; up to here without loss (a CIFAR image in JPEG is mostly artefacts)
_QUALITY = 90


def picture(item: Item, side: int) -> Image.Image | Failure:
    """Upright RGB, the longer side at most `side` pixels (a smaller picture stays as it is)."""
    if item.path is None:
        return Failure(item.name, "image", "missing-file", "There is no image, only its description.", retryable=True)
    try:
        image = open_rgb(item.path, hint=(side, side))
    except ImageFault as fault:
        return fault.failure(item.name)
    if max(image.size) > side:
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
    image.info = {}
    return image


def encoded(item: Item, side: int) -> bytes | Failure:
    """`picture` as a file: PNG up to 256 pixels, JPEG above."""
    image = picture(item, side)
    if isinstance(image, Failure):
        return image
    out = BytesIO()
    if max(image.size) <= _SMALL:
        image.save(out, "PNG")
    else:
        image.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def data_url(item: Item, side: int) -> str | Failure:
    """`encoded` as a `data:` URL."""
    content = encoded(item, side)
    if isinstance(content, Failure):
        return content
    kind = "png" if content.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
