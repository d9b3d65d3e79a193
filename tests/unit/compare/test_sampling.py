"""Samples and splits depend on the seed and on contents alone; what cannot be drawn is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ictc.compare.cells import Question
from ictc.compare.filling import Cell, lane_of
from ictc.compare.lab import EPS, features_of, lacking, with_both_eps
from ictc.compare.sampling import Chosen, choose
from ictc.compare.table import led, told_apart
from ictc.errors import InputError
from ictc.images.sources import Source
from ictc.means import Lane
from ictc.types import Failure, Item
from tests.unit.lane.made_up import PROMPTS

SIZES = {"a": 30, "b": 20, "c": 9}


def made(prefix: str = "") -> tuple[Source, dict[str, str]]:
    """Contents are those of their class and number, whatever the name."""
    items = [Item(f"{prefix}{c}{i:02}.png", None, f"{c}{i}") for c, size in SIZES.items() for i in range(size)]
    return Source(items, [], {}, None, "folder"), {i.name: i.sha256[0] for i in items}


def contents(chosen: Chosen, names: frozenset[str] | None = None) -> set[str]:
    return {i.sha256 for i in chosen.source.items if names is None or i.name in names}


def test_names_and_order_decide_nothing_and_a_smaller_sample_is_part_of_a_larger() -> None:
    source, classes = made()
    found = choose(source, classes, {}, 5, 0.4, 782)
    assert sorted(found.classes.values()) == ["a"] * 5 + ["b"] * 5 + ["c"] * 5
    assert sorted(found.classes[i] for i in found.test) == ["a", "a", "b", "b", "c", "c"]
    renamed, others = made("moved/")
    turned = replace(renamed, items=renamed.items[::-1])
    again = choose(turned, others, {}, 5, 0.4, 782)
    assert contents(again) == contents(found) and contents(again, again.test) == contents(found, found.test)
    assert contents(found) < contents(choose(source, classes, {}, 8, None, 782))
    assert contents(choose(source, classes, {}, 5, None, 1)) != contents(found)


def test_shares_are_of_each_class_and_nobody_is_drawn_who_cannot_be_read() -> None:
    source, classes = made()
    assert len(choose(source, classes, {}, None, 0.3, 1).test) == 9 + 6 + 3
    broken = replace(source, failures=[Failure("lost.png", "image", "missing-file", "")])
    known = {**classes, "lost.png": "c"}
    assert len(choose(broken, known, {}, None, None, 1).classes) == 60
    with pytest.raises(InputError, match=r"'c' \(9\)"):
        choose(broken, known, {}, 10, None, 1)
    assert choose(broken, known, {}, 9, None, 1).source.failures == []


def test_copies_of_one_file_are_one_image_of_the_draw() -> None:
    """What a labelled pairing is shown, or a classifier learns from, is not what it is scored on."""
    source, classes = made()
    copies = [Item(f"copy {n} of {i.name}", None, i.sha256) for i in source.items[::2] for n in range(3)]
    copied = replace(source, items=[*copies, *source.items])
    known = {**classes, **{i.name: i.sha256[0] for i in copies}, copies[0].name: "b"}
    for seed in range(5):
        chosen = choose(copied, known, {}, None, 0.4, seed)
        shown = frozenset(known) - chosen.test
        assert shown and chosen.test and not contents(chosen, shown) & contents(chosen, chosen.test)
    once = choose(source, classes, {}, 9, None, 3)
    known[copies[0].name] = "a"
    assert contents(choose(copied, known, {}, 9, None, 3)) == contents(once), "a copy is not drawn more often"
    assert len(choose(copied, known, {}, 9, None, 3).source.items) == 27
    with pytest.raises(InputError, match=r"fewer different images: 'c' \(9\)"):
        choose(copied, known, {}, 10, None, 3)


def test_what_was_trained_on_is_out_of_the_draw() -> None:
    source, classes = made()
    seen = {"trained:x": frozenset({"a0", "b1", "zz"}), "trained:y": frozenset({"a0"})}
    found = choose(source, classes, seen, None, None, 1)
    assert (found.apart, found.left_out) == ({"trained:x": 2, "trained:y": 1}, 2)
    assert len(found.source.items) == len(found.classes) == 57 and not {"a0", "b1"} & contents(found)
    with pytest.raises(InputError, match="trained:x was trained on all 59 images with a class"):
        extra = replace(source, items=[*source.items, Item("z.png", None, "z")])
        choose(extra, classes, {"trained:x": frozenset(i.sha256 for i in source.items)}, None, None, 1)
    with pytest.raises(InputError, match="trained:x, trained:y were trained on all"):
        every = frozenset(i.sha256 for i in source.items)
        choose(source, classes, {"trained:x": every, "trained:y": every}, None, None, 1)


def test_a_pairing_by_the_truth_is_shown_all_but_the_test_part() -> None:
    lane = Lane(strategy="task", pairing="label", prompt_set=PROMPTS, truth="folder")
    asked = Question("", 2, {"1": "x", "2": "y", "3": "x"}, frozenset({"2"}))
    shown = lane_of([lane], Cell(0, 7), asked)
    assert (shown.shown, shown.seed) == ({"1": "x", "3": "x"}, 7)
    assert asked.scored(shown, asked.classes) == {"2": "y"}


def test_all_stands_for_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    every = features_of(["clip:x", "all", "offline"])
    assert every[0] == "clip:x" and len(every) == len(set(every)) == 9 and {"classical:all", "lite0"} < set(every)
    assert lacking() == ""
    monkeypatch.setattr("ictc.compare.lab.find_spec", lambda _: None)
    assert features_of(["all"]) == ("lite0", "offline") and "ictc[classical]" in lacking()


def test_the_eps_that_a_person_gives_is_the_fixed_one() -> None:
    assert with_both_eps({"dbscan": {}, "kmeans": {}}) == {"dbscan": {"eps": f"{EPS},knee"}, "kmeans": {}}
    assert with_both_eps({"dbscan": {"eps": "0.3"}})["dbscan"] == {"eps": "0.3,knee"}
    assert with_both_eps({"dbscan": {"eps": "knee,0.3"}})["dbscan"] == {"eps": "knee,0.3"}


def test_only_clusterers_with_several_parameters_have_them_beside_their_names() -> None:
    rows = [{"clusterer": c, "params": p} for c, p in (("dbscan", {"eps": "1"}), ("dbscan", {}), ("gmm", {"tol": "1"}))]
    assert [row["clusterer"] for row in told_apart(rows)] == ["dbscan eps=1", "dbscan", "gmm"]


def test_what_is_sorted_by_stands_first_of_what_needs_a_truth() -> None:
    names = ("k", "acc", "ari", "nmi", "silhouette")
    assert led(names, "nmi") == ["k", "nmi", "acc", "ari", "silhouette"]
    assert led(names, "silhouette") == led(names, "acc") == list(names)
