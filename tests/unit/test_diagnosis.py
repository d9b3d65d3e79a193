"""Oddities of clusters are found where they are, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

from ictc.diagnosis import diagnose
from ictc.result import Result
from ictc.types import Assignment, Cluster, Item, Label, Taxonomy


def result(rows: Sequence[tuple[str | None, str, float | None]], names: Sequence[str]) -> Result:
    """A result of (cluster, label, confidence) rows."""
    images = [str(i) for i in range(len(rows))]
    return Result(
        "c",
        [Item(i) for i in images],
        [],
        [Label(i, label) for i, (_, label, _) in zip(images, rows, strict=True)],
        Taxonomy("c", [Cluster(n) for n in names]),
        [Assignment(i, cluster, sure) for i, (cluster, _, sure) in zip(images, rows, strict=True)],
    )


def kinds(found: Result) -> list[tuple[str, tuple[str, ...]]]:
    return [(f.kind, f.clusters) for f in diagnose(found)]


def test_plain_clusters_have_nothing_odd() -> None:
    rows = [(name, name, 0.9) for name in ("cat", "dog", "bird") for _ in range(10)]
    assert kinds(result(rows, ["cat", "dog", "bird"])) == []


def test_one_cluster_that_holds_most() -> None:
    rows = [("thing", f"thing {i}", 0.9) for i in range(11)] + [("cat", "cat", 0.9)] * 5 + [("dog", "dog", 0.9)] * 5
    assert kinds(result(rows, ["thing", "cat", "dog"])) == [("swallows", ("thing",))]
    two = [("cat", "cat", 0.9)] * 19 + [("dog", "dog", 0.9)] * 5
    assert kinds(result(two, ["cat", "dog"])) == []  # of two clusters one is nearly always the larger


def test_two_clusters_of_the_same_labels() -> None:
    rows = [("boat", "Boat", 0.9)] * 6 + [("ship", "boat", 0.9)] * 4 + [("ship", "ship", 0.9)] * 3
    rows += [("cat", "cat", 0.9)] * 9
    found = result(rows, ["boat", "ship", "cat"])
    assert kinds(found) == [("alike", ("boat", "ship"))]
    assert "-k 2" in diagnose(found)[0].line()


def test_a_cluster_whose_images_are_not_sure() -> None:
    rows = [("cat", "cat", 0.9)] * 6 + [("dog", "dog", 0.9)] * 6 + [("misc", f"{i}", 0.4) for i in range(6)]
    assert kinds(result(rows, ["cat", "dog", "misc"])) == [("vague", ("misc",))]
    asked = [("cat", "cat", None)] * 6 + [("dog", "dog", None)] * 6  # a model says no confidence: nothing is made up
    assert kinds(result(asked, ["cat", "dog"])) == []


def test_a_name_without_an_image() -> None:
    rows = [("cat", "cat", 0.9)] * 3 + [("dog", "dog", 0.9)] * 3 + [(None, "x", 0.2)]
    assert kinds(result(rows, ["cat", "dog", "eel"])) == [("empty", ("eel",))]


def test_a_result_without_assignments_has_only_empty_names() -> None:
    assert kinds(result([], ["cat"])) == [("empty", ("cat",))]
