"""How large a picture is when it is sent, from its file's header: for estimates, and for budgets that must hold."""

from __future__ import annotations

import math
import warnings

from PIL import Image

from ictc.images.files import ImageFault, open_regular
from ictc.spending.prices import Pictures
from ictc.types import Item

_GRID = 729  # tokens of every picture, whatever its size, in models with a fixed grid: 27 x 27 (SigLIP), 24 x 24 (CLIP)
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
    """What a picture takes at most, sent with its longer side scaled down to `side`: of its own size by the provider's
    rule; where none is known twice what its area says (what `--dry-run` calls high), as a fixed grid at least, a full
    square at most; a full square where its size cannot be read."""
    full = pictures.tokens(side, side)
    found = size_of(item)
    if found is None:
        return full
    own = max(pictures.tokens(*size) for size in _sent(min(found), max(found), side))
    return own if pictures.known else min(full, max(_GRID, 2 * own))


def _sent(shorter: int, longer: int, side: int) -> list[tuple[int, int]]:
    """The sizes that a picture may have when it is sent: scaling may round the shorter side either way, and a pixel
    more can be fewer tiles."""
    if longer <= side:
        return [(longer, shorter)]
    near = math.floor(shorter * side / longer)
    return [(side, max(1, min(side, near + more))) for more in (-1, 0, 1, 2)]
