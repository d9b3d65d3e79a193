"""How large a picture is when it is sent, from its file's header: for estimates, and for budgets that must hold."""

from __future__ import annotations

import math
import warnings

from PIL import Image

from ictc.images.files import ImageFault, open_regular
from ictc.spending.prices import Pictures
from ictc.types import Item

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")


def size_of(item: Item) -> tuple[int, int] | None:
    """Width and height in the file's header; None where none can be read."""
    try:
        if item.path is not None:
            with warnings.catch_warnings(), open_regular(item.path) as stream:
                warnings.simplefilter("ignore")
                with Image.open(stream, formats=_FORMATS) as image:
                    return image.size
    except (ImageFault, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        pass
    return None


def most_tokens(item: Item, pictures: Pictures, side: int) -> int:
    """What a picture takes at most, sent with its longer side scaled down to `side`: of its own size where the provider
    says how it counts; else, and for a size that cannot be read, of a full square.

    Scaling may round the shorter side either way, and a pixel more can be fewer tiles.
    """
    found = size_of(item) if pictures.known else None
    if found is None:
        return pictures.tokens(side, side)
    shorter, longer = sorted(found)
    if longer <= side:
        return pictures.tokens(longer, shorter)
    near = math.floor(shorter * side / longer)
    return max(pictures.tokens(side, max(1, min(side, near + more))) for more in (-1, 0, 1, 2))
