"""Small JPEGs for the report. Made from decoded pixels alone, so nothing of a photo's metadata comes along."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

from PIL import Image

from ictc.images.decode import open_rgb
from ictc.images.files import ImageFault
from ictc.types import Item


def thumbnail_jpeg(path: Path, size: int = 192) -> bytes:
    """`path` as a JPEG of at most `size` pixels a side (a smaller image stays as it is); raises `ImageFault`."""
    image = open_rgb(path, hint=(2 * size, 2 * size))  # decoding to twice the size first leaves no jagged edges
    image.thumbnail((size, size), Image.Resampling.LANCZOS)
    out = BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


def thumbnails(items: Iterable[Item], size: int = 192) -> dict[str, bytes]:
    """Item name to thumbnail, made in parallel, in the order of `items`; what has no image is left out."""

    def one(item: Item) -> bytes | None:
        try:
            return None if item.path is None else thumbnail_jpeg(item.path, size)
        except ImageFault:
            return None

    wanted = list(items)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return {item.name: jpeg for item, jpeg in zip(wanted, pool.map(one, wanted), strict=True) if jpeg is not None}
