"""Oddities of clusters are found where they are, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ictc.diagnosis import diagnose, mean_the_same, near_names
from ictc.models.minilm import MiniLM
from ictc.result import Result
from ictc.types import Assignment, Cluster, Description, Item, Label, Taxonomy


def result(
    rows: Sequence[tuple[str | None, str, float | None]], names: Sequence[str], criterion: str = "animal kind"
) -> Result:
    """A result of (cluster, label, confidence) rows."""
    images = [str(i) for i in range(len(rows))]
    return Result(
        criterion,
        [Item(i) for i in images],
        [],
        [Label(i, label) for i, (_, label, _) in zip(images, rows, strict=True)],
        Taxonomy(criterion, [Cluster(n) for n in names]),
        [Assignment(i, cluster, sure) for i, (cluster, _, sure) in zip(images, rows, strict=True)],
    )


def named(*names: str, criterion: str = "object") -> Result:
    """Six images in each cluster, decided by a model: no label is in two clusters, and nobody says how sure."""
    return result([(name, f"{name} {i}", None) for name in names for i in range(6)], names, criterion)


def kinds(found: Result) -> list[tuple[str, tuple[str, ...]]]:
    return [(f.kind, f.clusters) for f in diagnose(found)]


def test_corrections_are_advised_for_this_run_and_what_is_pinned_is_unpinned_first() -> None:
    rows = [("a beast", f"beast {i}", 0.9) for i in range(11)] + [("cat", "cat", 0.9)] * 5 + [("dog", "dog", 0.9)] * 5
    found = result(rows, ["a beast", "cat", "dog"])
    [free] = diagnose(found, by_hand=True, run="runs/my photos")
    [held] = diagnose(found, by_hand=True, pinned=["a beast"], run="runs/my photos")
    assert free.suggestion == "Split it: ictc refine 'runs/my photos' --split 'a beast'"
    assert held.suggestion == "Split it: ictc refine 'runs/my photos' --unpin 'a beast' --split 'a beast'"


def test_clusters_of_two_criteria_are_never_alike() -> None:
    both = [("grey", "grey", 0.9), ("calm", "grey", 0.9)] * 10
    assert [f.kind for f in diagnose(result(both, ["grey", "calm"]))] == ["alike"]
    assert diagnose(result(both, ["grey", "calm"]), foreign={"grey": "colour"}) == []
    assert [f.kind for f in diagnose(result(both, ["grey", "calm"]), foreign=["grey", "calm"])] == ["alike"]


def test_plain_clusters_have_nothing_odd() -> None:
    rows = [(name, name, 0.9) for name in ("cat", "dog", "bird") for _ in range(10)]
    assert kinds(result(rows, ["cat", "dog", "bird"])) == []


def test_one_cluster_that_holds_most() -> None:
    rows = [("beast", f"beast {i}", 0.9) for i in range(11)] + [("cat", "cat", 0.9)] * 5 + [("dog", "dog", 0.9)] * 5
    assert kinds(result(rows, ["beast", "cat", "dog"])) == [("swallows", ("beast",))]
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


@pytest.mark.parametrize(
    "a, b, criterion",
    [
        ("dog", "Dogs", "animal"),
        ("red", "red colour", "dominant color"),
        ("truck", "fire truck", "object"),
        ("reading", "reading a book", "activity"),
        ("guitar", "the guitar", "what instrument is being played"),
    ],
)
def test_names_that_say_the_same_or_one_within_the_other(a: str, b: str, criterion: str) -> None:
    found = named(a, b, "eel", criterion=criterion)
    assert kinds(found) == [("alike", (a, b))]
    assert "-k 2" in diagnose(found)[0].line() and "--names FILE" in diagnose(found)[0].line()


@pytest.mark.parametrize(
    "names",
    [
        ("black", "white", "black and white"),
        ("person", "no person"),
        ("table", "cat on a table"),
        ("riding a bike", "riding a horse", "holding a bike"),
        ("boat", "ship"),  # words alone do not tell
        ("red apple", "green apple", "red pear"),
        ("赤", "青"),
    ],
)
def test_names_that_share_words_and_are_different(names: tuple[str, ...]) -> None:
    assert kinds(named(*names)) == []


@pytest.mark.parametrize(
    "name, criterion",
    [
        ("Other", "object"),
        ("other animals", "object"),
        ("Miscellaneous", "mood"),
        ("none", "instrument"),
        ("none of the objects", "instrument"),
        ("various objects", "scene"),
        ("mood", "mood"),
        ("musical instrument", "what musical instrument is played"),
    ],
)
def test_a_name_that_says_nothing_is_vague_without_confidences(name: str, criterion: str) -> None:
    found = named("cat", "dog", name, criterion=criterion)
    assert kinds(found) == [("vague", (name,))]
    line = diagnose(found)[0].line()
    assert "6 images" in line and "-k 5" in line and "reword" in line


@pytest.mark.parametrize(
    "names, criterion",
    [
        (("indoor", "outdoor"), "indoor or outdoor"),
        (("person", "no person"), "is there a person"),
        (("red", "green"), "red/green"),
        (("musical box", "guitar"), "musical instrument"),
    ],
)
def test_a_criterion_that_names_its_answers_makes_none_of_them_vague(names: tuple[str, ...], criterion: str) -> None:
    assert kinds(named(*names, criterion=criterion)) == []


def test_an_empty_cluster_is_told_once() -> None:
    rows = [("cat", "cat", None)] * 3
    assert kinds(result(rows, ["cat", "other", "cats"])) == [("empty", ("other",)), ("empty", ("cats",))]


def scene(kind: str, i: int) -> str:
    return (
        f"A {kind} {('on calm water', 'in the harbour', 'at sea', 'by the quay')[i % 4]}, seen from the {i % 3}. deck."
    )


def shown(*kinds: tuple[str, str]) -> Result:
    """(cluster, what its descriptions speak of)."""
    found = named(*(name for name, _ in kinds))
    kind = dict(kinds)
    texts = [scene(kind[a.cluster or ""], i) for i, a in enumerate(found.assignments)]
    described = [Description(a.image, text, "m") for a, text in zip(found.assignments, texts, strict=True)]
    return replace(found, descriptions=described)


def test_two_names_of_one_thing_are_found_by_meaning_and_place() -> None:
    embed = MiniLM().embed_texts
    found = shown(("boat", "boat"), ("ship", "ship"), ("guitar", "guitar"))
    pairs = near_names(found.names, embed)
    assert pairs == [("boat", "ship")]
    assert mean_the_same(found, pairs, embed) == pairs
    assert [(f.kind, f.clusters) for f in diagnose(found, pairs)] == [("alike", ("boat", "ship"))]
    apart = shown(("boat", "boat"), ("ship", "guitar on a stage"), ("guitar", "guitar"))
    assert mean_the_same(apart, pairs, embed) == []


def test_neighbours_are_not_taken_for_one() -> None:
    embed = MiniLM().embed_texts
    for names in (["cat", "dog", "horse"], ["violin", "cello", "flute"], ["red", "orange", "yellow"], ["happy", "sad"]):
        assert near_names(names, embed) == []
    assert near_names(["cat"], embed) == near_names([], embed) == []


def test_clusters_without_descriptions_are_not_compared() -> None:
    assert mean_the_same(named("boat", "ship"), [("boat", "ship")], MiniLM().embed_texts) == []
