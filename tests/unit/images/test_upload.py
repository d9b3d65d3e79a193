"""What of a picture is sent."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ictc.images.upload import data_url, encoded, picture
from ictc.types import Failure, Item


def saved(file: Path, size: tuple[int, int], **options: object) -> Item:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, **options)  # type: ignore[arg-type]
    return Item(file.name, file, "x")


@pytest.mark.parametrize(("size", "sent"), [((2000, 500), (640, 160)), ((300, 900), (213, 640)), ((640, 3), (640, 3))])
def test_the_longer_side_is_kept_within_the_limit(tmp_path: Path, size: tuple[int, int], sent: tuple[int, int]) -> None:
    made = picture(saved(tmp_path / "a.jpg", size), 640)
    assert isinstance(made, Image.Image)
    assert made.size == sent


def test_small_pictures_lose_nothing(tmp_path: Path) -> None:
    item = saved(tmp_path / "a.png", (32, 32))
    content = encoded(item, 1024)
    assert isinstance(content, bytes)
    assert np.array_equal(np.asarray(Image.open(BytesIO(content))), np.asarray(Image.open(tmp_path / "a.png")))
    url = data_url(item, 1024)
    assert isinstance(url, str)
    assert url.startswith("data:image/png;base64,")


def test_a_photo_is_turned_upright_and_says_nothing_of_where_it_was_taken(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "canary-text"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    content = encoded(saved(tmp_path / "a.jpg", (600, 400), exif=exif), 1024)
    assert isinstance(content, bytes)
    sent = Image.open(BytesIO(content))
    assert sent.format == "JPEG"
    assert sent.size == (400, 600)
    assert not sent.getexif()
    assert b"canary" not in content
    assert b"Exif" not in content


def test_what_cannot_be_decoded_is_a_failure_with_its_code(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    told = data_url(Item("a.png", tmp_path / "a.png"), 64)
    assert isinstance(told, Failure)
    assert (told.code, told.image, told.stage) == ("zero-bytes", "a.png", "image")
    assert isinstance(encoded(Item("only a description"), 64), Failure)
