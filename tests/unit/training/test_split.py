"""Which images are trained on: by class, by content, never one that is tested too."""

from __future__ import annotations

from collections import Counter

import pytest

from ictc.errors import InputError, UsageError
from ictc.training.split import LEFT, TEST, TRAIN, split
from ictc.types import Item


def items(*names: str, of: str = "") -> list[Item]:
    return [Item(name, None, of or f"sha-{name}") for name in names]


TWENTY = items(*(f"{kind}{i}" for kind in "ab" for i in range(10)))
CLASSES = {i.name: i.name[0] for i in TWENTY}


def test_a_share_of_each_class() -> None:
    parts = split(TWENTY, CLASSES, 1, share=0.7)
    assert Counter((CLASSES[n], p) for n, p in parts.items()) == {
        (c, p): n for c in "ab" for p, n in ((TRAIN, 7), (TEST, 3))
    }
    assert split(list(reversed(TWENTY)), CLASSES, 1, share=0.7) == parts, "the order of files decides nothing"
    assert split(TWENTY, CLASSES, 2, share=0.7) != parts


def test_so_many_of_each_class() -> None:
    parts = split(TWENTY, CLASSES, 1, per_class=4)
    assert Counter((CLASSES[n], p) for n, p in parts.items())["b", TRAIN] == 4


def test_every_class_keeps_one_for_the_test() -> None:
    parts = split(items("a1", "a2", "b1"), {"a1": "a", "a2": "a", "b1": "b"}, 0, share=0.99)
    assert sorted(parts.values()) == [TEST, TRAIN, TRAIN] and parts["b1"] == TRAIN


def test_copies_of_a_file_stay_together_and_apart_from_the_test() -> None:
    copies = items("a1", "a2", "a3", of="same")
    more = items("b1", "b2")
    classes = {"a1": "a", "a2": "a", "a3": "b", "b1": "b", "b2": "b"}
    for seed in range(8):
        parts = split([*copies, *more], classes, seed, share=0.5)
        kinds = {parts[i.name] for i in copies}
        assert not (TRAIN in kinds and TEST in kinds)


def test_without_a_class_an_image_is_left_and_without_classes_all_count() -> None:
    parts = split([*TWENTY, *items("odd")], CLASSES, 0, share=1)
    assert parts["odd"] == LEFT and Counter(parts.values()) == {TRAIN: 20, LEFT: 1}
    assert Counter(split(TWENTY, None, 0, share=0.5).values()) == {TRAIN: 10, TEST: 10}


@pytest.mark.parametrize("share", [0, -1, 1.01, float("nan")])
def test_a_share_that_cannot_be(share: float) -> None:
    with pytest.raises(UsageError, match="--train-share"):
        split(TWENTY, CLASSES, 0, share=share)


def test_fewer_images_in_a_class_than_asked() -> None:
    with pytest.raises(InputError) as told:
        split(TWENTY[:13], CLASSES, 0, per_class=5)
    assert "'b' has 3" in told.value.message and "--per-class 3" in told.value.hint


def test_one_class_alone_or_none() -> None:
    with pytest.raises(InputError, match="one class, 'a'"):
        split(TWENTY[:10], CLASSES, 0)
    with pytest.raises(InputError, match="no image"):
        split(TWENTY, {}, 0)
    with pytest.raises(UsageError, match="--per-class needs"):
        split(TWENTY, None, 0, per_class=3)
