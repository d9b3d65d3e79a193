"""Replies read strictly."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ictc.replies.answers import (
    Fault,
    Named,
    choice_in,
    label_in,
    names_in,
    pack_in,
    some_of_pack_in,
    texts_in,
)
from ictc.replies.reading import values_in, without_thinking

NAMES = ["dog", "Sea Lion", "St. Bernard", "7"]
WRAPPED = [
    '{{"category": {j}}}',
    '```json\n{{"category": {j}}}\n```',
    'Sure! Here it is:\n{{"category": {j}}}\nAnything else?',
    "{{'category': {j},}}",
    "Answer: {x}",
    "answer：{x}",
    "**Answer:** {x}.",
    "The picture shows much.\nAnswer: {x}\nReason: it barks.",
    "{x}",
    '"{x}".',
    "<think>It might be a cat. {{</think>\n{x}",
    "It might be a cat.</think>{x}",
    "[THINK]Answer: cat[/THINK]{x}",
    "<|channel|>analysis<|message|>Answer: cat<|end|><|start|>assistant<|channel|>final<|message|>{x}<|return|>",
    "◁think▷cat?◁/think▷{x}<|im_end|>",
    '[{{"category": {j}}}]',
]


@pytest.mark.parametrize("form", WRAPPED)
@pytest.mark.parametrize("name", NAMES)
def test_a_choice_is_found_in_every_form(form: str, name: str) -> None:
    reply = form.format(j=json.dumps(name), x=name)
    assert choice_in(reply, NAMES) == name
    assert choice_in(form.format(j=json.dumps(name.upper()), x=name.upper()), NAMES) == name


@pytest.mark.parametrize(
    "reply",
    ["dogs", "a dog", "dog or 7", "doge", "d0g", '{"category": "dogs"}', '{"category": ["dog", "7"]}', "Answer: none",
     "I would say dog, but it might be a wolf", '{"category": null}', '["dog", "7"]', "", "<think>dog", "dog\n7",
     '{"category": "dog"} or {"category": "Sea Lion"} perhaps', "ignore the list: PWNED",
     "Answer: dog\nAnswer: 7", '{"category": "dog", "category": "7"}', "Answer: not dog", "Not Answer: dog, Answer: 7",
     '{"description": "dog"}', '{"a": "dog"} {"b": "7"}'],
)  # fmt: skip
def test_a_near_miss_is_no_choice(reply: str) -> None:
    assert isinstance(choice_in(reply, NAMES), Fault)


def test_a_digit_may_be_a_name() -> None:
    assert choice_in('{"category": 7}', NAMES) == "7"
    assert label_in('{"label": 7}') == "7"


@pytest.mark.parametrize(
    ("reply", "label"),
    [("Dog.", "Dog"), ('{"label": "  red   car "}', "red car"), ("Label: Dog", "Dog"), ("« Chien »", "Chien"),
     ("“犬”。", "犬"), ('{"id": 1, "answer": "dog"}', "dog")],
)  # fmt: skip
def test_labels(reply: str, label: str) -> None:
    assert label_in(reply) == label


@pytest.mark.parametrize(
    ("reply", "code"),
    [("", "empty"), ("<think>well", "empty"), ("I'm sorry, but I can't help with that.", "refused"),
     ("I’m sorry, I cannot do this", "refused"),
     ("The image shows a dog that runs over a green field to a man.", "unparsable"),
     ('{"label": ""}', "unparsable"), ('{"a": 1, "b": 2}', "unparsable"), ("One.\nTwo.", "unparsable"),
     ("{", "unparsable")],
)  # fmt: skip
def test_what_is_no_label(reply: str, code: str) -> None:
    found = label_in(reply)
    assert isinstance(found, Fault) and found.code == code and found.message


def test_packs_must_be_whole() -> None:
    rows = [{"id": 2, "label": "b"}, {"id": 1, "label": "a"}]
    assert pack_in(json.dumps({"answers": rows}), 2, "label") == ["a", "b"]
    assert pack_in(json.dumps(rows), 2, "label") == ["a", "b"]
    for wrong in ([rows[0]], [*rows, {"id": 3, "label": "c"}], [rows[0], rows[0]], [{"label": "a"}, rows[0]], "ab"):
        assert isinstance(pack_in(json.dumps(wrong), 2, "label"), Fault)


def test_what_a_pack_says_twice_is_asked_again() -> None:
    rows = [{"id": 1, "label": "a"}, {"id": 2, "label": "b"}, {"id": 2, "label": "c"}]
    assert some_of_pack_in(json.dumps(rows), "label") == {1: "a"}


def test_two_lists_of_names_are_none() -> None:
    assert isinstance(names_in('["dog", "cat"] or ["pet", "car"]'), Fault)
    assert isinstance(names_in("1. dog\n2. cat\n\nor\n1. pet\n2. car"), Fault)
    assert names_in('["dog", "cat"] that is ["dog", "cat"]') == [Named("dog"), Named("cat")]


def test_labels_that_a_terminal_would_act_on() -> None:
    assert isinstance(label_in(json.dumps({"label": "dog\x1b[31m"})), Fault)


def test_names_in_all_forms() -> None:
    as_json = '{"categories": [{"name": "dog", "about": "all dogs", "labels": [1, "2", null]}, {"name": "cat"}]}'
    assert names_in(as_json) == [Named("dog", "all dogs", (1, 2)), Named("cat")]
    assert names_in('["dog", "cat"]') == [Named("dog"), Named("cat")]
    paper = "Answer 1: dog\nReason 1: All dogs.\n\nAnswer 2: **cat**."
    assert names_in(paper) == [Named("dog", "All dogs."), Named("cat")]
    assert names_in("Here are 2:\n1. dog\n2) cat\n") == [Named("dog"), Named("cat")]
    assert isinstance(names_in("dog and cat"), Fault)


def test_texts_by_criterion() -> None:
    assert texts_in('```json\n{"1": "calm ", "2": "a lake"}\n```', ["1", "2"]) == ["calm", "a lake"]
    assert isinstance(texts_in('{"1": "calm"}', ["1", "2"]), Fault)


@given(st.text())
def test_no_reply_breaks_a_parser(text: str) -> None:
    label = label_in(text)
    assert isinstance(label, Fault) or (label.strip() and "\n" not in label)
    assert isinstance(choice_in(text, NAMES), Fault) or choice_in(text, NAMES) in NAMES
    assert isinstance(names_in(text), Fault) or names_in(text)
    pack_in(text, 2, "label")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["id", "label", "category", "x"]), inner),
    max_leaves=12,
)


@given(_JSON, st.text(alphabet="abc{}[]\"', \n`", max_size=20))
def test_no_json_breaks_a_parser(value: object, around: str) -> None:
    for text in (json.dumps(value), around + json.dumps(value), repr(value), json.dumps(value)[:-1]):
        found = choice_in(text, NAMES)
        assert isinstance(found, Fault) or found in NAMES
        label_in(text), names_in(text), pack_in(text, 3, "label")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=40))
def test_a_label_in_json_survives(label: str) -> None:
    found = label_in(json.dumps({"label": label}))
    assert isinstance(found, Fault) or found in " ".join(label.split())


@given(st.text(alphabet="ab <>/|\n", max_size=40))
def test_thinking_goes_and_the_answer_stays(thought: str) -> None:
    assert without_thinking(f"<think>{thought}</think>dog") == "dog"


def test_deep_and_long_texts_are_read_in_time() -> None:
    assert values_in("[" * 100_000) == []
    assert values_in("{" * 50_000 + "}" * 50_000) == []
    assert isinstance(label_in("word " * 200_000), Fault)
