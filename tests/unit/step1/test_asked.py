"""Captioners and answerers as describers: what they are asked, and what becomes of their replies."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from ictc.models.minilm import MiniLM
from ictc.registry import DescriberContext, describer
from ictc.store import Store
from ictc.types import Description, Failure, Item, Reply, Request
from step1.asked import AskedDescriber, question
from step1.caption import beginning, question_and_answer
from step1.vqa import answer, answerer
from tests.tiny.fixture import Tiny, tiny

__all__ = ["tiny"]


class Says:
    """A model that says the same of every picture, and writes down what it was asked."""

    fingerprint = "says"

    def __init__(self, reply: Reply | Failure) -> None:
        self.reply = reply
        self.asked: list[str] = []

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply | Failure]]:
        for n, request in enumerate(requests):
            self.asked.append(request.user)
            yield n, self.reply


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    files = [tmp_path / f"{colour}.png" for colour in ("red", "blue", "white")]
    for file in files:
        Image.new("RGB", (40, 30), file.stem).save(file)
    return [Item(f.name, f, hashlib.sha256(f.read_bytes()).hexdigest()) for f in files]


@pytest.mark.parametrize(
    ("criterion", "asked"),
    [
        ("mood", "What is the mood?"),
        ("the mood.", "What is the mood?"),
        ("What is the person doing?", "What is the person doing?"),
        ("what is the person doing", "what is the person doing?"),
        ("their instrument", "What is their instrument?"),
        ("indoors or outdoors?", "indoors or outdoors?"),
    ],
)
def test_a_criterion_becomes_a_question(criterion: str, asked: str) -> None:
    assert question(criterion) == asked
    assert question_and_answer(criterion) == f"Question: {asked} Answer:"


def test_blip_goes_on_with_a_sentence() -> None:
    assert beginning("mood") == "the mood in this picture is"
    assert beginning("what is shown") == "what is shown? the answer is"


@pytest.mark.parametrize(("reply", "text"), [("red (0.83)", "red"), ("2 (1.00)", "2"), ("a cat", "a cat")])
def test_the_probability_is_no_part_of_the_description(reply: str, text: str) -> None:
    assert answer(reply) == text


def test_failures_keep_their_place_and_name(items: list[Item]) -> None:
    gone = Item("gone.png", items[0].path, "")
    model = Says(Reply("  "))
    found = answerer(model, "hf:x").describe([*items, gone], "mood")
    assert [f.image for f in found] == [i.name for i in [*items, gone]]
    assert [f.code for f in found if isinstance(f, Failure)] == ["empty", "empty", "empty", "unreadable"]
    assert model.asked == ["What is the mood?"] * 3
    refused = Failure("", "describe", "out-of-memory", "too large", retryable=True)
    [first, *_] = answerer(Says(refused), "hf:x").describe(items, "mood")
    assert isinstance(first, Failure) and (first.image, first.code) == (items[0].name, "out-of-memory")


def test_the_fingerprint_tells_prompts_and_models_apart() -> None:
    model, other = Says(Reply("")), Says(Reply(""))
    other.fingerprint = "other"
    made = [AskedDescriber(m, "hf:x", p) for m in (model, other) for p in (beginning, question_and_answer)]
    assert len({d.fingerprint for d in made}) == 4


@pytest.mark.parametrize("family", ["blip", "blip2", "vilt", "blip-vqa"])
def test_by_its_spec_and_what_was_seen_is_not_looked_at_again(
    tiny: Tiny, items: list[Item], family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = DescriberContext(Store(None), MiniLM())
    found = describer(f"hf:{tiny(family)}", context).describe(items, "mood")
    assert all(isinstance(f, Description) and f.text for f in found)
    monkeypatch.setattr("ictc.models.hf._loaded", lambda *_: pytest.fail("loaded again"))
    assert describer(f"hf:{tiny(family)}", context).describe(items[::-1], "mood") == found[::-1]
