"""Which image a name from another file means."""

from __future__ import annotations

import unicodedata

import pytest

from ictc.names import NameIndex, relative_to_common_folder, without_extension


@pytest.mark.parametrize(
    ("names", "asked", "meant"),
    [
        (["0_cat.png"], "0_cat.png", "0_cat.png"),
        (["0_cat.png"], "0_cat.jpg", "0_cat.png"),
        (["0_cat.png"], "cifar10/0_cat.png", "0_cat.png"),
        (["a/0_cat.png"], "0_cat.jpg", "a/0_cat.png"),
        (["a/0_cat.png"], "b/0_cat.png", None),
        (["a/1.png", "b/1.png"], "1.png", None),
        (["a/1.png", "b/1.png"], "b/1.jpg", "b/1.png"),
        (["a/1.png", "b/1.png"], "C:\\pics\\a\\1.png", "a/1.png"),
        (["1.png", "a/1.png"], "1.jpg", "1.png"),
        (["1.png", "1.jpg"], "1.gif", None),
        (["1.png", "1.jpg"], "x/1.jpg", "1.jpg"),
        (["image 1.5"], "image 1.6", None),
        (["a.png"], "./a.png", "a.png"),
        (["a.png"], "", None),
        ([], "a.png", None),
    ],
)
def test_find(names: list[str], asked: str, meant: str | None) -> None:
    assert NameIndex(names).find(asked) == meant


def test_find_knows_both_spellings_of_an_accent() -> None:
    composed, split = (unicodedata.normalize(form, "caf\xe9.png") for form in ("NFC", "NFD"))
    assert NameIndex([composed]).find(split) == composed


@pytest.mark.parametrize(("name", "stem"), [("a/1.png", "a/1"), ("v1.5", "v1.5"), (".png", ".png"), ("x.tar", "x")])
def test_without_extension(name: str, stem: str) -> None:
    assert without_extension(name) == stem


@pytest.mark.parametrize(
    ("paths", "short"),
    [
        (["/d/cifar10/0_cat.png", "/d/cifar10/1_dog.png"], ["0_cat.png", "1_dog.png"]),
        (["/d/train/cat/1.png", "/d/train/dog/1.png"], ["cat/1.png", "dog/1.png"]),
        (["d/1.png", "d/x/2.png"], ["1.png", "x/2.png"]),
        (["1.png", "d/2.png"], ["1.png", "d/2.png"]),
        (["C:\\d\\1.png", "C:\\d\\2.png"], ["1.png", "2.png"]),
        (["d/only.png"], ["only.png"]),
        ([], []),
    ],
)
def test_relative_to_common_folder(paths: list[str], short: list[str]) -> None:
    assert list(relative_to_common_folder(paths).values()) == short
