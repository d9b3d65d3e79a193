"""Every kind of image file that has broken a program, written into a folder, with what must become of each."""

from __future__ import annotations

import os
import stat
import struct
import sys
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

OK = "ok"


def picture(width: int = 40, height: int = 30) -> Image.Image:
    """A small RGB image without symmetry: left is dark, top is blue, one corner is red."""
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x * 255 // max(width - 1, 1), (x + y) * 2, 255 - y * 255 // max(height - 1, 1)], axis=-1)
    pixels[: height // 4, : width // 4] = (255, 0, 0)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def oriented_jpeg(orientation: int, upright: Image.Image | None = None) -> bytes:
    """A JPEG that looks like `upright` once its EXIF orientation (1-8) is followed; it also holds a GPS position."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = upright or picture()
    stored = image.transpose(undo[orientation]) if orientation in undo else image
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 0.0)
    return encoded(stored, "JPEG", quality=95, subsampling=0, exif=exif)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb_png(width: int = 60_000, height: int = 60_000) -> bytes:
    """A few bytes that claim to be `width` x `height` pixels."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(100_000), 9)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")


def text_bomb_png() -> bytes:
    """A good image with a comment of 60 KB that unpacks to 60 MB."""
    good = encoded(picture(), "PNG")
    comment = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(60_000_000), 9))
    return good[:33] + comment + good[33:]


def heic() -> tuple[bytes, str]:
    """A HEIC image and what becomes of it, which depends on the `heif` extra."""
    try:
        import pillow_heif
    except ImportError:
        return b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64), "missing-extra"
    out = BytesIO()
    pillow_heif.from_pillow(picture(64, 64)).save(out)
    return out.getvalue(), OK


def _good() -> dict[str, bytes]:
    image = picture()
    grey = np.linspace(0, 65535, 1200).astype(np.uint16).reshape(30, 40)
    frames = [image, image.rotate(90), image.rotate(180)]
    animation: dict[str, object] = {"save_all": True, "append_images": frames[1:], "duration": 50}
    png = encoded(image, "PNG")
    return {
        "fine.jpg": encoded(image, "JPEG"),
        "wrong-extension.jpg": png,
        "capitals.JPEG": encoded(image, "JPEG"),
        "animated.gif": encoded(frames[0], "GIF", **animation),
        "animated.webp": encoded(frames[0], "WEBP", **animation),
        "pages.tiff": encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:], compression="tiff_lzw"),
        "cmyk.jpg": encoded(image.convert("CMYK"), "JPEG"),
        "sixteen-bit.png": encoded(Image.fromarray(grey), "PNG"),
        "alpha.png": encoded(image.convert("RGBA"), "PNG"),
        "grey-alpha.png": encoded(image.convert("LA"), "PNG"),
        "palette.png": encoded(image.quantize(16), "PNG", transparency=0),
        "one-bit.png": encoded(image.convert("1"), "PNG"),
        "plain.bmp": encoded(image, "BMP"),
        "plain.ppm": encoded(image, "PPM"),
        "one-pixel.png": encoded(image.crop((0, 0, 1, 1)), "PNG"),
        "one-row.jpg": encoded(image.crop((0, 0, 40, 1)), "JPEG"),
        **{f"orientation-{i}.jpg": oriented_jpeg(i) for i in range(1, 9)},
        "-rf.jpg": png,
        "🐈‍⬛ café 猫.png": png,
        "<img src=x onerror=alert(1)>.png": png,
        "=1+1.png": png,
        "a" * 251 + ".png": png,
        "folder.jpg/inside.png": png,
    }


def _bad() -> dict[str, tuple[bytes, str]]:
    image = picture(200, 150)
    return {
        "zero-bytes.jpg": (b"", "zero-bytes"),
        "text.jpg": (b"<html>404 not found</html>", "not-an-image"),
        "two-letters.bmp": (b"BM is not enough", "not-an-image"),
        "truncated.jpg": (encoded(image, "JPEG")[:-800], "truncated"),
        "truncated.png": (encoded(image, "PNG")[:-200], "truncated"),
        "truncated.webp": (encoded(image, "WEBP")[:-200], "truncated"),
        "truncated.gif": (encoded(image, "GIF")[:-2000], "truncated"),
        "bomb.png": (bomb_png(), "too-large"),
        "text-bomb.png": (text_bomb_png(), "too-large"),
    }


ODD_NAMES = {
    b"new\nline.png": r"new\nline.png",
    b"not-utf8-\xff.png": r"not-utf8-\xff.png",
    b"escape-\x1b[31m.png": r"escape-\x1b[31m.png",
    "right-to-left-\u202egnp.png".encode(): r"right-to-left-\u202egnp.png",
    b"back\\slash.png": r"back\\slash.png",
}
"""File name to item name."""


def write_poison(folder: Path) -> dict[str, str]:
    """Write every kind into `folder` (made if missing); item name -> "ok" or the code of its failure.

    A permission is no obstacle to root, and some systems refuse some names or special files: what cannot be made on
    this machine is left out of both the folder and the answer.
    """
    expected: dict[str, str] = {}
    for name, content in _good().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        expected[name] = OK
    for name, (content, code) in _bad().items():
        (folder / name).write_bytes(content)
        expected[name] = code
    content, expected["photo.heic"] = heic()
    (folder / "photo.heic").write_bytes(content)
    if sys.platform == "linux":
        for raw, name in ODD_NAMES.items():
            (folder / os.fsdecode(raw)).write_bytes(_good_png())
            expected[name] = OK
        os.mkfifo(folder / "pipe.jpg")
        os.mknod(folder / "socket.jpg", stat.S_IFSOCK | 0o600)
        (folder / "device.jpg").symlink_to("/dev/zero")
        expected |= dict.fromkeys(["pipe.jpg", "socket.jpg", "device.jpg"], "not-a-file")
    (folder / "linked.jpg").symlink_to("fine.jpg")
    (folder / "broken-link.jpg").symlink_to("nowhere.jpg")
    (folder / "link-to-itself.jpg").symlink_to("link-to-itself.jpg")
    (folder / "loop").symlink_to(".", target_is_directory=True)
    expected |= {"linked.jpg": OK, "broken-link.jpg": "missing-file", "link-to-itself.jpg": "unreadable"}
    if hasattr(os, "geteuid") and os.geteuid() != 0:
        (folder / "sealed.jpg").write_bytes(_good_png())
        (folder / "sealed.jpg").chmod(0)
        expected["sealed.jpg"] = "unreadable"
    return expected


def _good_png() -> bytes:
    return encoded(picture(), "PNG")
