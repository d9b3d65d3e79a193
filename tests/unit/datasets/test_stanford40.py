"""Stanford-40 as published, with the names that IC|TC gave its images, and label files of location and mood."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ictc.datasets.recipe import ALL
from ictc.errors import InputError, UsageError
from ictc_datasets.stanford40 import DATASET
from tests.archived import pictures, prepared, unpacked, zipped

NAMES = ["applauding_001.jpg", "applauding_010.jpg", "looking_through_a_microscope_001.jpg", "watching_TV_002.jpg"]
IMAGES = pictures(f"JPEGImages/{name}" for name in NAMES)
SPLITS = {
    "ImageSplits/actions.txt": b"action_name\tnumber_of_train/test_images\napplauding\t1/1\n"
    b"looking_through_a_microscope\t0/1\nwatching_TV\t1/0\n",
    "ImageSplits/train.txt": b"applauding_010.jpg\r\nwatching_TV_002.jpg\r\n",
    "ImageSplits/test.txt": b"applauding_001.jpg\nlooking_through_a_microscope_001.jpg\n",
}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return zipped(tmp_path_factory.mktemp("stanford") / "Stanford40_JPEGImages.zip", IMAGES)


def labelled(tmp_path: Path, images: Path, file: str, text: str, criterion: str = "location") -> list[dict[str, str]]:
    path = tmp_path / file
    path.write_text(text)
    return prepared(DATASET, tmp_path / "root", images, labels={criterion: path})


def test_names_are_those_of_the_published_descriptions(tmp_path: Path, images: Path) -> None:
    rows = prepared(DATASET, tmp_path, images)
    assert [(row["file_name"], row["action"], row["original"]) for row in rows] == [
        ("001_applauding.jpg", "applauding", NAMES[0]),
        ("010_applauding.jpg", "applauding", NAMES[1]),
        ("001_looking through a microscope.jpg", "looking through a microscope", NAMES[2]),
        ("002_watching TV.jpg", "watching TV", NAMES[3]),
    ]
    assert list(rows[0]) == ["file_name", "action", "original"], "no column of what nobody gave"
    for row in rows:
        written = tmp_path / DATASET.name / row["file_name"]
        assert written.read_bytes() == IMAGES[f"JPEGImages/{row['original']}"]


def test_parts_come_from_the_lists(tmp_path: Path, images: Path) -> None:
    splits = zipped(tmp_path / "Stanford40_ImageSplits.zip", SPLITS)
    rows = prepared(DATASET, tmp_path / "root", images, splits, split="train")
    assert [row["original"] for row in rows] == [NAMES[1], NAMES[3]]


def test_a_part_without_its_list_is_refused_with_the_address(tmp_path: Path, images: Path) -> None:
    with pytest.raises(InputError, match=r"ImageSplits/test\.txt") as error:
        prepared(DATASET, tmp_path, images, split="test")
    assert "Stanford40_ImageSplits.zip" in error.value.hint


def test_a_list_with_an_image_that_is_not_there(tmp_path: Path, images: Path) -> None:
    splits = {**SPLITS, "ImageSplits/test.txt": b"applauding_001.jpg\n\nsmoking_001.jpg\n"}
    with pytest.raises(InputError, match=r"line 3: there is no image 'smoking_001\.jpg'"):
        prepared(DATASET, tmp_path / "root", images, unpacked(tmp_path / "more", splits), split="test")


def test_images_of_another_set_are_none_of_it(tmp_path: Path, images: Path) -> None:
    others = {"holiday_001.jpg": b"x", "JPEGImages/watching_TV_2.png": b"x", "JPEGImages/skiing_003.jpg": b"x"}
    folder = unpacked(tmp_path / "x", {**IMAGES, **others})
    assert len(prepared(DATASET, tmp_path / "root", folder)) == 4
    with pytest.raises(InputError, match="no image such as JPEGImages/applauding_001"):
        prepared(DATASET, tmp_path / "no", unpacked(tmp_path / "y", {"holiday_001.jpg": b"x"}))
    listed = unpacked(tmp_path / "z", {"ImageSplits/actions.txt": b"action_name\tn\nskiing\t1/0\n"})
    assert [row["action"] for row in prepared(DATASET, tmp_path / "its", folder, listed)] == ["skiing"]


def test_one_image_twice_is_told(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "x", {"a/smoking_001.jpg": b"x", "thumbs/smoking_001.jpg": b"y"})
    with pytest.raises(InputError, match=r"Two files are smoking_001.jpg: a/smoking_001.jpg and thumbs/"):
        prepared(DATASET, tmp_path / "root", folder)


def test_the_folder_of_images_itself(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "x", {name.removeprefix("JPEGImages/"): data for name, data in IMAGES.items()})
    assert len(prepared(DATASET, tmp_path / "root", folder, split=ALL)) == 4


def test_labels_of_what_the_set_says_itself_are_refused(tmp_path: Path, images: Path) -> None:
    with pytest.raises(UsageError, match="has the classes of 'action' itself") as error:
        labelled(tmp_path, images, "a.csv", "image,action\n001_applauding.jpg,clapping\n", "action")
    assert error.value.hint == "It lacks those of location, mood."


def test_nothing_of_the_set(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"JPEGImages/applauding_001\.jpg"):
        prepared(DATASET, tmp_path / "root", unpacked(tmp_path / "x", {"a.jpg": b"?"}))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.csv", "file_name,location\n010_applauding.jpg,a stage\n001_looking through a microscope.jpg,laboratory\n"),
        ("a.csv", "image,label\napplauding_010.jpg,a stage\nlooking_through_a_microscope_001.jpg,laboratory\n"),
        ("a.tsv", "image\tclass\nx/010_applauding.png\ta stage\n001_looking_through_a_microscope\tlaboratory\n"),
        ("a.json", json.dumps({"010_applauding.jpg": "a stage", "001_looking through a microscope.jpg": "laboratory"})),
        (
            "a.txt",
            "Image file-/home/x/010_applauding.jpg; Answer: a stage\n\n"
            "Image file-/home/x/001_looking through a microscope.jpg Answer: laboratory\n",
        ),
        ("a.txt", "010_applauding.jpg a stage\n001_looking through a microscope.jpg\tlaboratory\n"),
    ],
)
def test_labels_as_such_files_are_written(tmp_path: Path, images: Path, file: str, text: str) -> None:
    rows = labelled(tmp_path, images, file, text)
    assert [row["location"] for row in rows] == ["", "a stage", "laboratory", ""], "images without a label have none"
    assert "mood" not in rows[0]


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("a.csv", "image,mood\nsmoking_001.jpg,calm\napplauding_001.jpg,calm\n", "1 images .* 'smoking_001.jpg'"),
        ("a.csv", "image,mood\n001_applauding.jpg,calm\napplauding_001.jpg,happy\n", "two classes: 'calm' and 'happy'"),
        ("a.csv", "image,place\napplauding_001.jpg,calm\n", "no column 'mood', 'label' or 'class'; it has: place"),
        ("a.csv", "image,mood\napplauding_001.jpg,\n", "gives no image a class"),
        ("a.txt", "applauding_001.jpg calm\nnothing here\n", "line 2: no image and class"),
        ("a.json", "[1]", "no JSON object"),
        ("a.json", "{", "is no JSON"),
    ],
)
def test_label_files_that_cannot_be_meant(tmp_path: Path, images: Path, file: str, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        labelled(tmp_path, images, file, text, "mood")
