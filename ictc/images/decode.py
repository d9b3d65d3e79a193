"""One way from a file to RGB pixels, for whatever people have in their folders.

What comes out is upright, opaque, 8 bit and carries no metadata (EXIF and its GPS position are dropped). What cannot be
decoded is an `ImageFault`. The format is told by the first bytes, not by the extension, and only formats listed here
are ever handed to a decoder. Plugins are called directly, not through `Image.open`, so that no setting of Pillow that
belongs to the whole process (its pixel limit and its warnings, its registry) is needed or changed: threads are safe.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, features
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from ictc.errors import MissingExtra
from ictc.images.files import ImageFault, open_regular

__all__ = ["DEFAULT_MAX_PIXELS", "FORMATS", "ImageFault", "open_rgb", "stored_size"]

DEFAULT_MAX_PIXELS = 178_956_970
"""What Pillow refuses by default too: half a gigabyte of RGB."""

_LARGE_PIXELS = 24_000_000
_BLOCK = 1 << 20
_ONE_LARGE_AT_A_TIME = threading.Lock()  # many threads, each with a huge image, would exhaust the memory

_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_OPENERS: dict[str, Callable[[BinaryIO], ImageFile.ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WebP": WebPImageFile,
    "GIF": GifImageFile,
    "BMP": BmpImageFile,
    "TIFF": TiffImageFile,
    "PPM": PpmImageFile,
    "AVIF": AvifImageFile,
}
FORMATS = (*_OPENERS, "HEIC")
SIZE = "size"
"""Key in `Image.info` of what `open_rgb` gives: the width and height in the file, upright, whatever was decoded."""

_WEAK_SIGNATURES = {"BMP", "PPM"}  # two letters, with which a text can begin as well


def open_rgb(path: Path, *, max_pixels: int = DEFAULT_MAX_PIXELS, hint: tuple[int, int] | None = None) -> Image.Image:
    """Decode the first frame of `path` to an upright RGB image, or raise `ImageFault`; nothing else is ever raised.

    More than `max_pixels` is refused before decoding. With `hint` (width, height) a JPEG may come out smaller than it
    is, but neither side below the larger of the two numbers (unless it is smaller itself): several times faster.
    """
    with open_regular(path) as stream, _faults():
        image = _open(stream, _format_of(stream))
        pixels = image.width * image.height
        if pixels > max_pixels:
            size = f"{image.width} x {image.height}"
            raise ImageFault("too-large", f"{size} is {pixels:,} pixels; the most decoded is {max_pixels:,}.")
        if pixels < 1:
            raise ImageFault("truncated", "The image has no pixels.")
        with _ONE_LARGE_AT_A_TIME if pixels > _LARGE_PIXELS else nullcontext():
            return _decode(image, hint)


def stored_size(path: Path) -> tuple[int, int]:
    """Width and height of the first frame as the pixels are stored, not turned upright, from the header; `ImageFault`
    as `open_rgb`."""
    with open_regular(path) as stream, _faults():
        return _open(stream, _format_of(stream)).size


@contextmanager
def _faults() -> Iterator[None]:
    """Whatever a decoder raises becomes an `ImageFault`."""
    try:
        yield
    except ImageFault:
        raise
    except MemoryError as error:
        raise ImageFault("too-large", "There is not enough memory to decode the image.") from error
    except Exception as error:  # decoders meet arbitrary bytes: any type may come
        raise _fault(error) from error


def _format_of(stream: BinaryIO) -> str:
    head = stream.read(512)
    stream.seek(0)
    if not head:
        raise ImageFault("zero-bytes", "The file is empty.")
    if head[:3] == b"\xff\xd8\xff":
        return "JPEG"
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return "PNG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF"
    if head[4:8] == b"ftyp":
        end = min(struct.unpack(">I", head[:4])[0], len(head))
        brands = {head[8:12], *(head[i : i + 4] for i in range(16, end, 4))}
        if brands & {b"avif", b"avis"}:
            return "AVIF"
        if brands & _HEIF_BRANDS:
            return "HEIC"
    if head[:2] == b"BM":
        return "BMP"
    if head[:1] == b"P" and head[1:2] in b"123456f" and head[2:3].isspace():
        return "PPM"
    raise _not_an_image()


def _not_an_image() -> ImageFault:
    return ImageFault("not-an-image", f"Not an image in a format that is read here ({', '.join(FORMATS)}).")


def _open(stream: BinaryIO, kind: str) -> ImageFile.ImageFile:
    """Read the header: size and mode are known afterwards, no pixel is decoded."""
    if kind == "HEIC":
        return _open_heif(stream)
    if kind == "AVIF" and not features.check("avif"):
        raise ImageFault("unsupported", "The installed Pillow cannot read AVIF. Run: pip install -U pillow")
    try:
        return _OPENERS[kind](stream)
    except Exception as error:
        if kind in _WEAK_SIGNATURES:
            raise _not_an_image() from error
        raise


def _open_heif(stream: BinaryIO) -> ImageFile.ImageFile:
    try:
        from pillow_heif.as_plugin import HeifImageFile
    except ImportError as error:
        missing = MissingExtra("A HEIC image", "heif")
        raise ImageFault("missing-extra", f"{missing.message} {missing.hint}") from error
    image: ImageFile.ImageFile = HeifImageFile(stream)
    return image


def _fault(error: Exception) -> ImageFault:
    text = "".join(char if char.isprintable() else "?" for char in str(error))[:120]  # it may quote the file's bytes
    if isinstance(error, Image.DecompressionBombError) or "too large" in text or "MAX_TEXT_MEMORY" in text:
        return ImageFault("too-large", f"The image unpacks to more than is allowed: {text}.")
    if isinstance(error, NotImplementedError) or "not supported" in text or "unsupported" in text.lower():
        return ImageFault("unsupported", f"A variety of the format that cannot be read: {text}.")
    detail = text if " " in text else f"{type(error).__name__} {text}".strip()
    return ImageFault("truncated", f"The image is cut off or damaged ({detail}).")


def _decode(image: ImageFile.ImageFile, hint: tuple[int, int] | None) -> Image.Image:
    size = image.size
    if hint is not None and isinstance(image, JpegImageFile):
        side = max(hint)  # the image may still be turned: ask for both sides
        image.draft(None, (side, side))
    image.load()
    rgb = _to_rgb(image)
    orientation = _orientation(image)
    turn = _UPRIGHT.get(orientation)
    upright = rgb if turn is None else rgb.transpose(turn)
    upright.info = {SIZE: size[::-1] if 5 <= orientation <= 8 else size}
    return upright


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # damaged metadata must not cost the picture
        return 1


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        full_range = isinstance(image, (PngImageFile, PpmImageFile)) and image.mode != "F"
        return Image.fromarray(_to_8_bit(np.asarray(image), full_range=full_range)).convert("RGB")
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        white = Image.new("RGB", coloured.size, "white")
        white.paste(coloured, mask=coloured.getchannel("A"))
        return white
    return image.convert("RGB")


def _to_8_bit(values: NDArray[Any], *, full_range: bool) -> NDArray[np.uint8]:
    """Grey values [h, w] of any range to uint8, without clipping.

    `full_range`: white is 65535, as PNG and PPM define it. Otherwise white is what the numbers suggest: floats within
    [0, 1] or [0, 255] are taken as such, non-negative integers as 8, 10, 12, ... bits; all else is stretched from its
    lowest to its highest value.
    """
    rows = max(1, _BLOCK // values.shape[1])  # block by block: 64-bit copies of a large image would not fit in memory
    blocks = [values[top : top + rows] for top in range(0, len(values), rows)]
    low, high = (0.0, 65535.0) if full_range else _black_and_white(blocks)
    grey = np.empty(values.shape, np.uint8)
    for block, out in zip(blocks, np.split(grey, range(rows, len(grey), rows)), strict=True):
        known = np.where(np.isfinite(block), block, low).astype(np.float64)
        out[:] = np.clip(np.rint((known - low) * 255 / max(high - low, 1e-12)), 0, 255)
    return grey


def _black_and_white(blocks: Sequence[NDArray[Any]]) -> tuple[float, float]:
    known = [block[np.isfinite(block)] for block in blocks]
    low = min((float(block.min()) for block in known if block.size), default=0.0)
    high = max((float(block.max()) for block in known if block.size), default=1.0)
    if low < 0:
        return low, high
    if np.issubdtype(blocks[0].dtype, np.integer):
        bits = max(8, int(high).bit_length())
        return 0.0, float(2 ** (bits + bits % 2) - 1)
    if high <= 255:
        return 0.0, 1.0 if high <= 1 else 255.0
    return low, high
