"""Fruits-360 (type, colour, variety) and playing cards (card, rank, suit): classes are names of folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from ictc.errors import InputError
from ictc_datasets.fruits360 import DATASET as FRUITS
from ictc_datasets.fruits360 import ORIGINAL, colour, kind
from ictc_datasets.playing_cards import DATASET as CARDS
from tests.archived import pictures, prepared, unpacked, zipped


@pytest.mark.parametrize(
    ("variety", "type_", "stated"),
    [
        ("Apple Golden 1", "apple", "golden"),
        ("Cherry Wax Red 3", "cherry", "red"),
        ("Apple Red Yellow 1", "apple", ""),
        ("Apple Red Delicious 1", "apple", "red"),
        ("Apple Granny Smith 1", "apple", ""),
        ("Orange 1", "orange", ""),
        ("Pepper Orange 1", "pepper", "orange"),
        ("Tomato not Ripened 1", "tomato", ""),
        ("Cabbage white 1", "cabbage", "white"),
        ("Blackberrie 2", "blackberrie", ""),
    ],
)
def test_a_colour_only_where_the_name_states_one(variety: str, type_: str, stated: str) -> None:
    assert (kind(variety), colour(variety)) == (type_, stated)


def test_fruits_as_the_repository_is_packed(tmp_path: Path) -> None:
    top = "fruits-360-100x100-main"
    names = ["Test/Apple Golden 1/r0_3_100.jpg", "Test/Apple Golden 1/r0_11_100.jpg", "Test/Orange 1/3_100.jpg"]
    files = pictures(f"{top}/{name}" for name in [*names, "Training/Apple 10/0_100.jpg"])
    archive = zipped(tmp_path / f"{top}.zip", files | {f"{top}/README.md": b"#", f"{top}/LICENSE": b""})
    rows = prepared(FRUITS, tmp_path / "root", archive)
    assert [tuple(row.values()) for row in rows] == [
        ("0_apple.jpg", "apple", "golden", "Apple Golden 1", "Apple Golden 1/r0_3_100.jpg"),
        ("1_apple.jpg", "apple", "golden", "Apple Golden 1", "Apple Golden 1/r0_11_100.jpg"),
        ("2_orange.jpg", "orange", "", "Orange 1", "Orange 1/3_100.jpg"),
    ]


def test_fruits_of_original_size_have_a_third_part(tmp_path: Path) -> None:
    names = ["Validation/Pear 1/r0_1.jpg", "Training/Pear 1/r0_0.jpg", "Test/Pear 1/r0_3.jpg"]
    folder = unpacked(tmp_path / "given", pictures(names))
    assert [row["original"] for row in prepared(ORIGINAL, tmp_path / "a", folder, split="all")] == [
        "Pear 1/r0_3.jpg",
        "Pear 1/r0_0.jpg",
        "Pear 1/r0_1.jpg",
    ]
    with pytest.raises(InputError, match="no image in a folder Validation"):
        prepared(ORIGINAL, tmp_path / "b", unpacked(tmp_path / "less", pictures(names[1:])), split="validation")


def test_two_sets_of_fruits_in_one_folder_are_not_mixed(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "given", pictures(["a/Test/Pear 1/0.jpg", "b/Test/Pear 1/0.jpg"]))
    with pytest.raises(InputError, match="several sets of images: a/Test/, b/Test/"):
        prepared(FRUITS, tmp_path / "root", folder)


def test_an_image_outside_of_any_variety(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lies in no folder of a variety"):
        prepared(FRUITS, tmp_path / "root", unpacked(tmp_path / "given", pictures(["Test/0.jpg"])))


CARD_NAMES = [
    "test/ace of spades/1.jpg", "test/joker/1.jpg", "train/ace of spades/001.jpg", "train/ten of hearts/001.jpg",
    "valid/two of clubs/1.jpg",
]  # fmt: skip


def table(*more: str) -> bytes:
    lines = [f"{i},{name},{name.split('/')[1]},x,{name.split('/')[0]}" for i, name in enumerate(CARD_NAMES)]
    return "\n".join(["class index,filepaths,labels,card type,data set", *lines, *more]).encode()


def test_cards_as_kaggle_packs_them(tmp_path: Path) -> None:
    files = pictures(CARD_NAMES) | {"cards.csv": table("0,train/nine of spades/output,nine of spades,nine,train")}
    rows = prepared(CARDS, tmp_path / "root", zipped(tmp_path / "archive.zip", files))
    assert [tuple(row.values()) for row in rows] == [
        ("0_ace of spades.jpg", "ace of spades", "ace", "spades", "test/ace of spades/1.jpg"),
        ("1_joker.jpg", "joker", "", "", "test/joker/1.jpg"),
    ]


def test_cards_without_their_table(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "given", pictures(CARD_NAMES))
    rows = prepared(CARDS, tmp_path / "root", folder, split="all")
    assert [row["original"].split("/")[0] for row in rows] == ["test", "test", "valid", "train", "train"]
    assert [row["suit"] for row in rows] == ["spades", "", "clubs", "spades", "hearts"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"cards.csv": table("0,train/joker/9.jpg,joker,xxx,train")},
            r"line 7: there is no image 'train/joker/9\.jpg'",
        ),
        ({"cards.csv": b"a,b\n1,2\n"}, "no column 'filepaths'; its first line is 'a,b'"),
        ({"test/knight of cups/1.jpg": b"?"}, "'knight of cups' is no playing card"),
    ],
)
def test_cards_that_are_none(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    folder = unpacked(tmp_path / "given", pictures(CARD_NAMES) | files)
    with pytest.raises(InputError, match=message):
        prepared(CARDS, tmp_path / "root", folder)


def test_kaggle_is_not_downloaded_from(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="account") as error:
        prepared(CARDS, tmp_path)
    assert "--from" in error.value.hint
