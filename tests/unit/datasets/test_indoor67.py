"""MIT Indoor 67 as published: a tar of images and two lists beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ictc.datasets.recipe import ALL
from ictc.errors import InputError
from ictc_datasets.indoor67 import DATASET
from tests.archived import pictures, prepared, tarred, unpacked, zipped

NAMES = ["airport_inside/airport_inside_0001.jpg", "kitchen/int474.jpg", "kitchen/cocina 2.jpg", "bar/bar_9.jpg"]
IMAGES = pictures(f"indoorCVPR_09/Images/{name}" for name in NAMES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Everything in one folder, as downloaded."""
    folder = unpacked(
        tmp_path / "given",
        {"TestImages.txt": b"kitchen/int474.jpg\r\nkitchen/cocina 2.jpg", "TrainImages.txt": f"{NAMES[0]}\n".encode()},
    )
    tarred(folder / "indoorCVPR_09.tar", IMAGES)
    return folder


def test_the_list_says_which_and_in_what_order(tmp_path: Path, folder: Path) -> None:
    rows = prepared(DATASET, tmp_path, folder)
    assert [(row["file_name"], row["scene"], row["original"]) for row in rows] == [
        ("0_kitchen.jpg", "kitchen", "kitchen/int474.jpg"),
        ("1_kitchen.jpg", "kitchen", "kitchen/cocina 2.jpg"),
    ]


def test_all_is_both_lists_and_no_image_beyond_them(tmp_path: Path, folder: Path) -> None:
    rows = prepared(DATASET, tmp_path, folder, split=ALL)
    assert [row["file_name"] for row in rows] == ["0_kitchen.jpg", "1_kitchen.jpg", "2_airport_inside.jpg"]


def test_the_copy_at_kaggle_holds_the_lists_too(tmp_path: Path, folder: Path) -> None:
    files = {name: (folder / name).read_bytes() for name in ("TestImages.txt", "TrainImages.txt")}
    archive = zipped(tmp_path / "indoor-scenes-cvpr-2019.zip", IMAGES | files)
    assert len(prepared(DATASET, tmp_path, archive, split=ALL)) == 3


def test_unpacked_images(tmp_path: Path, folder: Path) -> None:
    (folder / "indoorCVPR_09.tar").unlink()
    unpacked(folder, IMAGES)
    assert len(prepared(DATASET, tmp_path, folder, split="train")) == 1


def test_a_missing_list(tmp_path: Path, folder: Path) -> None:
    (folder / "TestImages.txt").unlink()
    with pytest.raises(InputError, match=r"no TestImages\.txt") as error:
        prepared(DATASET, tmp_path, folder)
    assert "https://web.mit.edu/torralba/www/TestImages.txt" in error.value.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"kitchen/int474.jpg\nkitchen/int475.jpg\n", r"line 2: there is no image 'kitchen/int475\.jpg'"),
        (b"\n\n", "is empty"),
        (b"kitchen/\xff.jpg\n", "byte 8 is no UTF-8"),
    ],
)
def test_lists_that_are_damaged(tmp_path: Path, folder: Path, text: bytes, message: str) -> None:
    (folder / "TestImages.txt").write_bytes(text)
    with pytest.raises(InputError, match=message):
        prepared(DATASET, tmp_path, folder)
