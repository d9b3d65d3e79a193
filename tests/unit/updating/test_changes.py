"""Which images are new, by content."""

from __future__ import annotations

import random

from ictc.updating.changes import changes


def test_every_kind() -> None:
    before = {"a": "1", "b": "2", "c": "3", "d": "4", "e": "5"}
    now = {"a": "1", "x": "2", "c": "30", "y": "1", "z": "9"}
    found = changes(before, now, unreadable=["d", "never there"])
    assert found.unchanged == ("a",)
    assert found.renamed == {"x": "b"}
    assert found.copied == {"y": "a"}
    assert found.changed == ("c",)
    assert found.new == ("z",)
    assert found.removed == ("e",)
    assert found.unreadable == ("d",)
    assert found.before == {"a": "a", "x": "b", "y": "a"}
    assert found.fresh == ["z", "c"]
    assert found.any and found.line().startswith("1 new, 1 changed") and found.line().endswith("1 unchanged")


def test_two_that_swapped_their_names_are_renamed_and_cost_nothing() -> None:
    found = changes({"a": "1", "b": "2"}, {"a": "2", "b": "1"})
    assert found.renamed == {"a": "b", "b": "a"} and not found.fresh and not found.removed


def test_a_name_taken_over_by_a_known_content_loses_its_own() -> None:
    found = changes({"a": "1", "b": "2"}, {"b": "1"})
    assert found.renamed == {"b": "a"} and found.removed == ("b",) and not found.changed


def test_twins_are_renamed_one_by_one() -> None:
    found = changes({"a": "1", "b": "1"}, {"c": "1", "d": "1", "e": "1"})
    assert found.renamed == {"c": "a", "d": "b"} and found.copied == {"e": "a"} and not found.removed


def test_nothing() -> None:
    assert not changes({"a": "1"}, {"a": "1"}).any


def test_every_image_is_one_kind_of_thing_now_and_before() -> None:
    draw = random.Random(3)
    for _ in range(300):
        before = {n: str(draw.randrange(6)) for n in draw.sample("abcdefgh", draw.randrange(8))}
        now = {n: str(draw.randrange(6)) for n in draw.sample("abcdefgh", draw.randrange(8))}
        bad = [n for n in before if n not in now and draw.random() < 0.3]
        f = changes(before, now, bad)
        assert sorted([*f.unchanged, *f.renamed, *f.copied, *f.changed, *f.new]) == sorted(now)
        there = [*f.unchanged, *f.renamed.values(), *f.changed, *f.removed, *f.unreadable]
        assert set(there) == set(before)
        assert all(now[n] == before[o] for n, o in f.before.items())
        assert all(now[n] not in before.values() for n in f.fresh)
