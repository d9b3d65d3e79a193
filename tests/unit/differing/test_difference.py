"""What became of clusters and images from one result to another."""

from __future__ import annotations

import time
from collections.abc import Mapping

from ictc.differing import Difference, difference
from ictc.result import Result
from ictc.types import Assignment, Cluster, Item, Taxonomy


def result(
    clusters: Mapping[str, str | None], more: tuple[str, ...] = (), contents: Mapping[str, str] | None = None
) -> Result:
    names = [Cluster(n) for n in dict.fromkeys([*(c for c in clusters.values() if c), *more])]
    items = [Item(i, sha256=(contents or {}).get(i, "")) for i in clusters]
    assignments = [Assignment(i, c, 0.5) for i, c in clusters.items()]
    return Result("kind", items, [], [], Taxonomy("kind", names), assignments)


def spread(**sizes: int) -> dict[str, str | None]:
    """Images 0, 1, ... in these clusters, so many each, in this order."""
    names = [name for name, n in sizes.items() for _ in range(n)]
    return {str(i): name for i, name in enumerate(names)}


def whats(found: Difference) -> set[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    return {(f.what, f.before, f.after) for f in found.fates}


def test_a_rename_moves_no_image() -> None:
    found = difference(result(spread(cat=5, dog=5)), result(spread(feline=5, dog=5)))
    assert whats(found) == {("renamed", ("cat",), ("feline",)), ("kept", ("dog",), ("dog",))}
    assert found.moved == [] and [m.why for m in found.images] == ["renamed"] * 5
    assert (found.ari, found.nmi) == (1.0, 1.0)


def test_split_and_merged() -> None:
    before = result(spread(cat=6, dog=4, hound=3))
    after = result(spread(kitten=3, tomcat=3, dog=7))
    found = difference(before, after)
    assert whats(found) == {("split", ("cat",), ("kitten", "tomcat")), ("merged", ("dog", "hound"), ("dog",))}
    assert found.moved == []
    assert {m.why for m in found.images} == {"split", "merged"}


def test_gone_new_and_moved() -> None:
    before = {**spread(cat=10, dog=10), "a": "odd", "b": "odd"}
    after = {**before, "a": "cat", "b": "dog", "0": "few", "10": "few"}
    found = difference(result(before), result(after))
    assert ("gone", ("odd",), ()) in whats(found) and ("new", (), ("few",)) in whats(found)
    assert {(m.image, m.before, m.after) for m in found.moved} == {
        ("a", "odd", "cat"),
        ("b", "odd", "dog"),
        ("0", "cat", "few"),
        ("10", "dog", "few"),
    }
    assert found.moved[0].confidence == 0.5


def test_several_into_several_are_mixed() -> None:
    before = spread(a=10, b=10)
    after = {i: "y" if int(i) < 4 else "x" if int(i) < 16 else "b" for i in before}
    found = difference(result(before), result(after))
    assert whats(found) == {("mixed", ("a", "b"), ("x", "y", "b"))}
    assert found.moved == [] and {m.why for m in found.images} == {"mixed"}


def test_unassigned_is_no_cluster_but_images_move_there() -> None:
    found = difference(result(spread(cat=4)), result({**spread(cat=4), "0": None}))
    assert [(m.before, m.after) for m in found.moved] == [("cat", None)]
    assert whats(found) == {("kept", ("cat",), ("cat",))}


def test_images_in_one_result_alone_are_counted() -> None:
    found = difference(result(spread(cat=4)), result({"0": "cat", "new": "cat"}))
    assert (found.common, found.only_before, found.only_after) == (1, 3, 1)
    assert difference(result({"a": "x"}), result({"b": "x"})).ari is None


def test_empty_clusters_are_tied_by_name() -> None:
    found = difference(result(spread(cat=2), ("none", "left")), result(spread(cat=2), ("none", "came")))
    assert whats(found) >= {("kept", ("none",), ("none",)), ("gone", ("left",), ()), ("new", (), ("came",))}


def test_images_are_the_same_by_content() -> None:
    before = result({"x/1.png": "cat", "2.png": "dog"}, contents={"x/1.png": "A", "2.png": "B"})
    after = result({"y/1.png": "cat", "2.png": "cat"}, contents={"y/1.png": "A", "2.png": "C"})
    found = difference(before, after)
    assert (found.common, found.only_before, found.only_after) == (1, 1, 1), "2.png is another picture now"


def test_a_hundred_thousand_images() -> None:
    n = 100_000
    before = result({str(i): f"c{i % 50}" for i in range(n)})
    after = result({str(i): f"c{(i + (i % 7 == 0)) % 50}" for i in range(n)})
    start = time.process_time()
    found = difference(before, after)
    assert time.process_time() - start < 8
    assert len(found.moved) == len(range(0, n, 7))
