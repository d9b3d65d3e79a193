"""PPMI as published; the twelve, the seven and the two of IC|TC, with its numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from ictc.datasets.recipe import ALL
from ictc.errors import InputError
from ictc_datasets.ppmi import DATASET, SEVEN, TWO
from tests.archived import pictures, prepared, zipped

# in the order in which they are counted
TWELVE = [
    "Bassoon", "Cello", "Clarinet", "Erhu", "Flute", "FrenchHorn", "Guitar", "Harp", "Recorder", "Saxophone", "Trumpet",
    "Violin",
]  # fmt: skip


def members(instruments: list[str]) -> list[str]:
    return [
        f"norm_image/{what}_instrument/{name.lower()}/{part}/Norm_{what.title()}_{name}_{i}_{i + 7}.jpg"
        for what in ("play", "with")
        for name in instruments
        for part in ("test", "train")
        for i in (1, 2)
    ]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = pictures(members(TWELVE)) | {"README": b"PPMI"}
    return zipped(tmp_path_factory.mktemp("ppmi") / "norm_ppmi_12class.zip", files)


def test_twelve_are_counted_from_one_in_the_order_of_their_names(tmp_path: Path, archive: Path) -> None:
    rows = prepared(DATASET, tmp_path, archive)
    assert [row["file_name"] for row in rows[:4]] == ["1_Bassoon.jpg", "2_Bassoon.jpg", "3_Cello.jpg", "4_Cello.jpg"]
    assert [row["instrument"] for row in rows] == [name for name in TWELVE for _ in range(2)]
    assert rows[-1]["file_name"] == "24_Violin.jpg"
    assert not any("With" in row["original"] for row in rows), "nobody plays in those"


def test_seven_keep_the_numbers_of_twelve(tmp_path: Path, archive: Path) -> None:
    rows = prepared(SEVEN, tmp_path, archive)
    assert [row["file_name"] for row in rows[::2]] == [
        "3_Cello.jpg", "9_Flute.jpg", "13_Guitar.jpg", "15_Harp.jpg", "19_Saxophone.jpg", "21_Trumpet.jpg",
        "23_Violin.jpg",
    ]  # fmt: skip
    assert [row["category"] for row in rows[::2]] == ["string", "wind", "string", "string", "wind", "wind", "string"]


def test_two_are_named_by_the_category(tmp_path: Path, archive: Path) -> None:
    rows = prepared(TWO, tmp_path, archive)
    assert [row["file_name"] for row in rows[::2]][:2] == ["3_string.jpg", "9_wind.jpg"]
    assert [row["instrument"] for row in rows[::2]][:2] == ["Cello", "Flute"]


def test_training_images_follow_the_others(tmp_path: Path, archive: Path) -> None:
    rows = prepared(DATASET, tmp_path, archive, split=ALL)
    assert len(rows) == 48
    assert rows[24]["file_name"] == "25_Bassoon.jpg"


def test_locations_are_given_by_any_of_the_names(tmp_path: Path, archive: Path) -> None:
    labels = tmp_path / "location.csv"
    labels.write_text("image,location\n3_string.jpg,indoor\n9_Flute.jpg,outdoor\nNorm_Play_Harp_1_8.jpg,indoor\n")
    rows = prepared(SEVEN, tmp_path / "root", archive, labels={"location": labels})
    assert {row["file_name"]: row["location"] for row in rows if row["location"]} == {
        "3_Cello.jpg": "indoor",
        "9_Flute.jpg": "outdoor",
        "15_Harp.jpg": "indoor",
    }


def test_a_class_that_is_missing_is_told(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "norm_ppmi_12class.zip", pictures(members([n for n in TWELVE if n != "Erhu"])))
    with pytest.raises(InputError, match="no image of Erhu in play_instrument/erhu/test"):
        prepared(SEVEN, tmp_path / "root", archive)
