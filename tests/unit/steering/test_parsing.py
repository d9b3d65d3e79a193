"""Corrections as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ictc.errors import UsageError
from ictc.steering.corrections import (
    Add,
    Anew,
    Change,
    Drop,
    Merge,
    Move,
    Pin,
    Rename,
    Split,
    Unpin,
    from_row,
    to_row,
)
from ictc.steering.parsing import parse

NAME = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=8).filter(str.strip)
NAMES = st.lists(NAME, min_size=2, max_size=4).map(tuple)
CORRECTIONS: st.SearchStrategy[Change] = st.one_of(
    st.builds(Rename, NAME, NAME),
    st.builds(Merge, NAMES, st.one_of(NAME, st.just(""))),
    st.builds(Split, NAME, st.integers(2, 9)),
    st.builds(lambda c, n: Split(c, len(n), n), NAME, NAMES),
    st.builds(Drop, NAME),
    st.builds(Pin, NAME),
    st.builds(Unpin, NAME),
    st.builds(Add, NAME, st.one_of(NAME, st.just(""))),
    st.builds(Move, NAMES, NAME),
)


@given(CORRECTIONS)
def test_what_is_told_is_understood(change: Change) -> None:
    option, text = change.words()
    assert parse(option.removeprefix("--"), text) == change


@given(st.one_of(CORRECTIONS, st.builds(Anew, NAME, st.one_of(st.none(), st.integers(1, 9)), st.booleans())))
def test_what_is_kept_is_read_again(change: Change) -> None:
    assert from_row({**to_row(change), "revision": "002"}) == change


@pytest.mark.parametrize(
    ("do", "text", "wanted"),
    [
        ("rename", " a = b ", Rename("a", "b")),
        ("rename", '"a=b" = c', Rename("a=b", "c")),
        ("rename", '"say ""hi"""=greeting', Rename('say "hi"', "greeting")),
        ("merge", "a+b=c", Merge(("a", "b"), "c")),
        ("merge", "a + b", Merge(("a", "b"))),
        ("split", "a", Split("a")),
        ("split", "a=3", Split("a", 3)),
        ("split", "a=b+c", Split("a", 2, ("b", "c"))),
        ("move", "x/1.png=a", Move(("x/1.png",), "a")),
        ("add", "red=all that is red", Add("red", "all that is red")),
        ("rename", 'it"s=b', Rename('it"s', "b")),
    ],
)
def test_forms(do: str, text: str, wanted: Change) -> None:
    assert parse(do, text) == wanted


@pytest.mark.parametrize(
    ("do", "text"),
    [
        ("rename", "a"),
        ("rename", "a="),
        ("rename", "a=b=c"),
        ("rename", 'a="b'),
        ("rename", '"a"x=b'),
        ("merge", "a=c"),
        ("merge", "a++b=c"),
        ("split", "a=b"),
        ("split", "a=1"),
        ("drop", "a=b"),
        ("drop", "a+b"),
        ("drop", ""),
        ("move", "a"),
        ("add", "a=b+c"),
    ],
)
def test_what_is_not_understood_is_told_with_what_to_type(do: str, text: str) -> None:
    with pytest.raises(UsageError, match="is not understood") as e:
        parse(do, text)
    assert "double quotes" in e.value.hint
