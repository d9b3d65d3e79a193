from __future__ import annotations

import pytest

from ictc.reasoners.words import alternatives, asked, core, same_word_key, says_something, tokens


@pytest.mark.parametrize(
    ("criterion", "asked"),
    [("object", ""), ("what kind of thing is shown", ""), ("what instrument is being played", "instrument"),
     ("by mood", "mood"), ("Dominant colour", "dominant colour"), ("type of fruit", "fruit"), ("?", "")],
)  # fmt: skip
def test_core_of_a_criterion(criterion: str, asked: str) -> None:
    assert core(criterion) == asked


@pytest.mark.parametrize(
    ("criterion", "listed"),
    [("indoor or outdoor", ["indoor", "outdoor"]),
     ("dominant colour: red, light grey or blue", ["red", "light grey", "blue"]),
     ("day vs night", ["day", "night"]), ("mood", []),
     ("man, woman or child", ["man", "woman", "child"]), ("whether it was taken by day or in the dark of night", []),
     ("red or red", [])],
)  # fmt: skip
def test_alternatives(criterion: str, listed: list[str]) -> None:
    assert alternatives(criterion) == listed


def test_tokens_fold_case_and_possessives() -> None:
    assert tokens("The cat's Tail, blue-green!") == ["the", "cat", "tail", ",", "blue-green", "!"]


def test_names_alike_have_equal_keys() -> None:
    assert same_word_key("Fire Trucks") == same_word_key("fire truck") != same_word_key("fire")


def test_what_says_something() -> None:
    assert [says_something(t) for t in ("a", "🐶", "猫", "7", "", " \n", "...", "—")] == [True] * 4 + [False] * 3 + [
        True
    ]


def test_what_is_asked_stands_before_the_listed_answers() -> None:
    assert asked("dominant colour: red, light grey or blue") == "dominant colour"
    for criterion in (
        "mood",
        "indoor or outdoor",
        "mood: how it feels",
        ": red or blue",
        "place: wherever people meet or part at night",
    ):
        assert asked(criterion) == criterion
