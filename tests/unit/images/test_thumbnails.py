"""Thumbnails are small, upright, and tell nothing about where a photo was taken."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from ictc.images.decode import ImageFault
from ictc.images.thumbnails import thumbnail_jpeg, thumbnails
from ictc.types import Item
from tests.poison import encoded, oriented_jpeg, picture


def test_a_thumbnail_is_small_and_upright_without_metadata(tmp_path: Path) -> None:
    content = oriented_jpeg(6, picture(1200, 600))
    (tmp_path / "photo.jpg").write_bytes(content)
    assert Image.open(BytesIO(content)).getexif().get_ifd(0x8825)
    jpeg = thumbnail_jpeg(tmp_path / "photo.jpg", size=100)
    image = Image.open(BytesIO(jpeg))
    assert (image.format, image.size) == ("JPEG", (100, 50))
    assert dict(image.getexif()) == {}
    assert b"Exif" not in jpeg
    assert b"GPS" not in jpeg


def test_comments_do_not_come_along(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(encoded(picture(), "JPEG", comment=b"at home"))
    assert b"at home" not in thumbnail_jpeg(tmp_path / "photo.jpg")


def test_a_small_image_is_not_enlarged(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(picture(1, 1), "PNG"))
    assert Image.open(BytesIO(thumbnail_jpeg(tmp_path / "a.png"))).size == (1, 1)


def test_many_at_once_leave_out_what_has_no_image(tmp_path: Path) -> None:
    for name in ("a.png", "c.png"):
        (tmp_path / name).write_bytes(encoded(picture(), "PNG"))
    (tmp_path / "b.png").write_bytes(b"broken")
    items = [Item(name, tmp_path / name) for name in ("c.png", "b.png", "a.png", "gone.png")] + [Item("recorded")]
    made = thumbnails(items, size=20)
    assert list(made) == ["c.png", "a.png"]
    assert all(max(Image.open(BytesIO(jpeg)).size) == 20 for jpeg in made.values())
    with pytest.raises(ImageFault):
        thumbnail_jpeg(tmp_path / "b.png")
