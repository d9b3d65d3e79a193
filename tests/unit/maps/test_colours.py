"""Groups that hold the same images have the same colour."""

from __future__ import annotations

from ictc.maps.colours import by_size, look, matched

CLASSES = {"1": "cat", "2": "cat", "3": "cat", "4": "dog", "5": "dog", "6": "owl"}


def test_clusters_have_the_colour_of_their_class() -> None:
    clusters = {"1": "b", "2": "b", "3": "a", "4": "a", "5": "a", "6": None}
    assert by_size(CLASSES) == ["cat", "dog", "owl"]
    names = by_size(clusters)
    assert names == ["a", "b"]
    assert matched(clusters, CLASSES, names) == [1, 0]


def test_what_matches_nothing_has_a_colour_of_its_own() -> None:
    numbers = matched({"1": "x", "4": "y", "7": "z"}, CLASSES, ["x", "y", "z"])
    assert numbers[:2] == [0, 1]
    assert len(set(numbers)) == 3
    assert matched({"7": "z"}, {}, ["z"]) == [0]


def test_a_hundred_groups_look_different() -> None:
    assert len({look(i) for i in range(100)}) == 100
