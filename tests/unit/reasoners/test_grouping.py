"""Broader groups without a language model: by meaning, exactly so many, with names that can be read."""

from __future__ import annotations

import numpy as np
import pytest

from ictc.errors import StepError
from ictc.interfaces import Embedder, Vectors
from ictc.reasoners.grouping import NameGrouper, bottom_up, name_groups
from ictc.types import Description, Label

KINDS = {
    "animals": ("dog", "cat", "horse", "cow"),
    "vehicles": ("car", "truck", "boat", "bicycle"),
    "fruits": ("apple", "pear", "banana", "orange"),
}
PLACES = ("in a field", "on the street", "near a tree", "by the water")


def shown(names: list[str], each: int = 4) -> tuple[list[Description], list[Label]]:
    """The first names have more images."""
    rows = [(n, i) for place, n in enumerate(names) for i in range(each + len(names) - place)]
    descriptions = [Description(f"{n}{i}", f"The image shows a {n} {PLACES[i % 4]}.", "m") for n, i in rows]
    return descriptions, [Label(f"{n}{i}", n) for n, i in rows]


def test_names_are_put_together_by_what_they_mean(embedder: Embedder) -> None:
    names = [name for row in zip(*KINDS.values(), strict=True) for name in row]
    found = NameGrouper(embedder).merge(*shown(names), "object", 3)
    assert {frozenset(c.labels) for c in found.clusters} == {frozenset(kind) for kind in KINDS.values()}
    assert {c.name for c in found.clusters} == {
        "dog, cat, horse and the like", "car, truck, boat and the like", "apple, pear, banana and the like",
    }  # fmt: skip


@pytest.mark.parametrize("k", [1, 2, 3, 7, 11, 12])
def test_there_are_exactly_so_many_and_every_name_is_in_one(embedder: Embedder, k: int) -> None:
    names = [name for kind in KINDS.values() for name in kind]
    found = NameGrouper(embedder).merge(*shown(names), "object", k)
    assert len(set(found.names)) == found.k == k
    assert sorted(n for c in found.clusters for n in c.labels) == sorted(names)
    sizes = [sum(c.labels.values()) for c in found.clusters]
    assert sizes == sorted(sizes, reverse=True)


def test_the_order_of_images_changes_nothing(embedder: Embedder) -> None:
    descriptions, labels = shown([name for kind in KINDS.values() for name in kind])
    grouper = NameGrouper(embedder)
    assert grouper.merge(descriptions[::-1], labels[::-1], "object", 3) == grouper.merge(
        descriptions, labels, "object", 3
    )


def test_a_name_that_no_image_has_is_grouped_by_its_meaning(embedder: Embedder) -> None:
    descriptions, labels = shown(["dog", "car", "truck"])
    found = NameGrouper(embedder).merge(descriptions, [*labels, Label("", "cat")], "object", 2)
    assert {frozenset(c.labels) for c in found.clusters} == {frozenset({"dog", "cat"}), frozenset({"car", "truck"})}
    alone = NameGrouper(embedder).merge([], [Label("", n) for n in ("dog", "cat", "car", "truck")], "object", 2)
    assert {frozenset(c.labels) for c in alone.clusters} == {frozenset({"dog", "cat"}), frozenset({"car", "truck"})}


def test_what_was_measured_on_images_decides_where_words_do_not(embedder: Embedder) -> None:
    class Measured:
        def evidence(self, descriptions: list[Description], criterion: str) -> Vectors:
            ends = {"blicket": 0, "dax": 0, "wug": 1, "fep": 1}
            return np.eye(2, dtype=np.float32)[[ends[d.image.rstrip("0123456789")] for d in descriptions]]

    descriptions, labels = shown(["blicket", "wug", "dax", "fep"])
    found = NameGrouper(embedder, Measured()).merge(descriptions, labels, "object", 2)
    assert {frozenset(c.labels) for c in found.clusters} == {frozenset({"blicket", "dax"}), frozenset({"wug", "fep"})}


@pytest.mark.parametrize("k", [0, 3, None])
def test_more_groups_than_names_cannot_be(embedder: Embedder, k: int | None) -> None:
    with pytest.raises(StepError, match="2 names"):
        NameGrouper(embedder).merge(*shown(["dog", "cat"]), "object", k)


def test_those_that_lie_nearest_are_joined_first() -> None:
    rows = np.asarray([[0.0], [0.1], [1.0], [1.15], [3.0]])
    assert [bottom_up(rows, k).tolist() for k in (5, 4, 3, 2, 1)] == [
        [0, 1, 2, 3, 4], [0, 0, 1, 2, 3], [0, 0, 1, 1, 2], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("members", "names"),
    [
        ([["dog"], ["cat", "car"]], ["dog", "cat and car"]),
        ([["dog", "cat", "cow"]], ["dog, cat and cow"]),
        ([["dog", "cat", "cow", "pig"]], ["dog, cat, cow and the like"]),
        ([["red apple", "green apples"], ["dog"]], ["apple", "dog"]),
        ([["red apple", "green apple"], ["yellow apple"]], ["red apple and green apple", "yellow apple"]),
        ([["grey", "grey, dark"], ["red"]], ["grey", "red"]),
        ([["red and brown", "blue"]], ["red and brown; blue"]),
        ([["red and blue"], ["red", "blue"]], ["red and blue", "red and blue and the like"]),
        ([["개", "고양이"], ["차"]], ["개 and 고양이", "차"]),
        ([["!", "?"], ["..."]], ["! and ?", "..."]),
    ],
)
def test_a_group_is_called_by_the_thing_its_names_share_or_by_its_first_names(
    members: list[list[str]], names: list[str]
) -> None:
    assert name_groups(members) == names
