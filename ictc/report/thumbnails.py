"""Thumbnails as they come in and as they are shown: never larger than the page needs."""

from __future__ import annotations

from io import BytesIO

from ictc.report.model import Thumbnail

EDGE = 256
"""Pixels of the longer side of the largest picture on the page."""


def read(jpeg: bytes | None, edge: int = EDGE) -> Thumbnail | None:
    """The thumbnail, shrunk to `edge` where it is larger; None when it is missing or not a readable JPEG."""
    from PIL import Image, UnidentifiedImageError

    if not jpeg:
        return None
    try:
        with Image.open(BytesIO(jpeg), formats=["JPEG"]) as image:
            if max(image.size) <= edge:
                return Thumbnail(jpeg, *image.size)
            small = image.convert("RGB")
            small.thumbnail((edge, edge))
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return None
    out = BytesIO()
    small.save(out, "JPEG", quality=82, optimize=True)
    return Thumbnail(out.getvalue(), *small.size)
