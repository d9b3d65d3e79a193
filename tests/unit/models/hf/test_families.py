"""Every family of models, with random weights, without torchvision: asked together and alone, the answers are equal."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import pytest

from ictc.asking import ask
from ictc.modeloptions import ModelOptions
from ictc.models.hf import create
from ictc.types import Item, Reply, Request
from tests.tiny.captioners import ANSWERERS, ANSWERS, CAPTIONERS
from tests.tiny.fixture import Tiny
from tests.tiny.vision import FAMILIES

CPU = ModelOptions(device="cpu")
SEEING = [*FAMILIES, *CAPTIONERS, *ANSWERERS]
QUESTIONS = ["What is the mood?", "What is the mood of this picture, in one or two words, and why?", "Mood?", "Mood?"]


def _asked(model: object, requests: list[Request]) -> list[Reply]:
    answers = list(ask(model, requests))  # type: ignore[arg-type]
    assert all(isinstance(a, Reply) for a in answers), answers
    return answers  # type: ignore[return-value]


@pytest.mark.parametrize("family", SEEING)
def test_pictures_of_all_shapes_in_one_batch_and_alone(tiny: Tiny, pictures: list[Item], family: str) -> None:
    model = create(str(tiny(family)), CPU)
    questions = QUESTIONS if family in FAMILIES else ["What is the mood?"] * 4
    requests = [Request("describe", q, image=p, max_tokens=10) for q, p in zip(questions, pictures, strict=True)]
    together = _asked(model, requests)
    alone = [_asked(create(str(tiny(family)), ModelOptions(device="cpu", batch_size=1)), [r])[0] for r in requests]
    assert together == alone
    assert all(r.input_tokens > 0 and r.output_tokens <= 12 for r in together)


@pytest.mark.parametrize("family", SEEING)
def test_the_picture_decides_the_answer(tiny: Tiny, pictures: list[Item], family: str) -> None:
    model = create(str(tiny(family)), CPU)
    texts = {a.text for a in _asked(model, [Request("describe", "Mood?", image=p, max_tokens=10) for p in pictures])}
    assert len(texts) > 1


@pytest.mark.parametrize("family", ["llama", "llama-plain", *FAMILIES])
@pytest.mark.filterwarnings("ignore:.*no chat template")
def test_text_alone_of_all_lengths_in_one_batch_and_alone(tiny: Tiny, family: str) -> None:
    model = create(str(tiny(family)), CPU)
    requests = [Request("label", "mood " * (1 + 7 * i % 5), system="Answer briefly.", max_tokens=9) for i in range(6)]
    assert _asked(model, requests) == [_asked(model, [r])[0] for r in requests]


@pytest.mark.skipif(find_spec("torchvision") is not None, reason="torchvision is installed here")
def test_no_family_needed_torchvision(tiny: Tiny) -> None:
    assert "torchvision" not in sys.modules


def test_an_answerer_gives_one_of_its_answers_and_how_probable_it_is(tiny: Tiny, pictures: list[Item]) -> None:
    [reply] = _asked(create(str(tiny("vilt")), CPU), [Request("describe", "What is the mood?", image=pictures[0])])
    said, _, chance = reply.text.rpartition(" ")
    assert said in ANSWERS
    assert 0 < float(chance.strip("()")) <= 1


def test_a_question_too_long_for_vilt_is_shortened_at_a_word_with_a_warning(tiny: Tiny, pictures: list[Item]) -> None:
    long = "what is the mood of this picture and " * 20
    model = create(str(tiny("vilt")), CPU)
    with pytest.warns(UserWarning, match=r"reads 40 tokens at most: it is asked 'what is the mood .* (\w+)'") as seen:
        [reply] = _asked(model, [Request("describe", long, image=pictures[0])])
    assert reply.input_tokens <= 40
    kept = str(seen[0].message).split("'")[1]
    assert set(kept.split()) <= set(long.split())


@pytest.mark.parametrize("family", [*CAPTIONERS])
def test_captions_do_not_repeat_their_prompt(tiny: Tiny, pictures: list[Item], family: str) -> None:
    """The prompt has a word that random weights would not say by themselves."""
    model = create(str(tiny(family)), CPU)
    prompts = ["the criterion of this picture is", "the criterion of this picture"]
    for prompt in prompts:
        replies = _asked(model, [Request("describe", prompt, image=p, max_tokens=10) for p in pictures])
        assert not any(r.text.startswith(prompt[:12]) for r in replies)
