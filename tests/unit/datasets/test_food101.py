"""Food-101 as published: one tar.gz with images, classes and lists of the parts; and 30 of its classes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ictc.errors import InputError, UsageError
from ictc_datasets.food101 import DATASET, THIRTY
from tests.archived import pictures, prepared, tarred

DISHES = [f"dish_{chr(ord('a') + i // 26)}{chr(ord('a') + i % 26)}" for i in range(101)]
TEST = [f"{dish}/{1000 + 7 * i}" for dish in DISHES for i in range(2)]
TRAIN = [f"{dish}/9{i}" for dish in DISHES for i in range(1)]


def archive(path: Path, **changed: bytes) -> Path:
    files = pictures(f"food-101/images/{name}.jpg" for name in [*TEST, *TRAIN])
    lists = {
        "classes.txt": "\n".join(reversed(DISHES)).encode(),
        "test.txt": "\n".join(TEST).encode(),
        "train.txt": "\n".join(TRAIN).encode() + b"\n",
    }
    lists |= {name.replace("_", "."): data for name, data in changed.items()}
    return tarred(path / "food-101.tar.gz", files | {f"food-101/meta/{name}": data for name, data in lists.items()})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return archive(tmp_path_factory.mktemp("food"))


def test_thirty_are_the_first_of_the_alphabet_with_the_numbers_of_all(tmp_path: Path, whole: Path) -> None:
    rows = prepared(THIRTY, tmp_path, whole)
    assert sorted({row["dish"] for row in rows}) == DISHES[:30]
    assert [(row["file_name"], row["original"]) for row in rows[-1:]] == [("59_dish_bd.jpg", "dish_bd/1007.jpg")]
    every = {row["file_name"] for row in prepared(DATASET, tmp_path / "all", whole)}
    assert len(every) == 202
    assert {row["file_name"] for row in rows} < every


def test_a_draw_per_class_depends_on_the_seed_alone(tmp_path: Path, whole: Path) -> None:
    def draw(root: str, seed: int) -> list[str]:
        rows = prepared(DATASET, tmp_path / root, whole, classes=tuple(DISHES[40:60]), per_class=1, seed=seed)
        assert [row["dish"] for row in rows] == DISHES[40:60]
        return [row["original"] for row in rows]

    assert draw("a", 1) == draw("b", 1) != draw("c", 2)


def test_a_class_that_there_is_not(tmp_path: Path, whole: Path) -> None:
    with pytest.raises(UsageError, match="no dish called 'dish_zz'"):
        prepared(DATASET, tmp_path, whole, classes=("dish_aa", "dish_zz"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"test_txt": b"dish_aa/1000\ndish_aa/1\n"}, r"line 2: there is no image 'dish_aa/1' in images"),
        ({"test_txt": b"pizza/1000\n"}, r"line 1: 'pizza' is no class of .*classes\.txt"),
        ({"classes_txt": b"dish_aa\n"}, r"has 1 classes, not 30"),
    ],
)
def test_lists_that_do_not_fit(tmp_path: Path, changed: dict[str, bytes], message: str) -> None:
    with pytest.raises(InputError, match=message):
        prepared(THIRTY, tmp_path / "root", archive(tmp_path, **changed))
