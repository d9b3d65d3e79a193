"""What doctor concludes about a model, from models that behave by rule."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pytest

from ictc.errors import ModelGone
from ictc.images.decode import open_rgb
from ictc.probe import probe, without_secrets
from ictc.types import Failure, Reply, Request

Rule = Callable[[Request], Reply | Failure]


class Ruled:
    """Answers by a rule."""

    fingerprint = "ruled/1"

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.asked: list[Request] = []

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply | Failure]]:
        for number, request in enumerate(requests):
            self.asked.append(request)
            yield number, self.rule(request)


def capable(request: Request) -> Reply | Failure:
    """Looks at the picture's pixels, and takes an answer that the schema allows."""
    if request.image and request.image.path:
        red, green, blue = np.asarray(open_rgb(request.image.path)).mean((0, 1))
        return Reply("Purple." if min(red, blue) > 2 * green else "Some colour")
    if request.schema:
        return Reply(json.dumps({"answer": request.schema["properties"]["answer"]["enum"][0]}), output_tokens=9)
    return Reply("one two three", output_tokens=20)


def plain(request: Request) -> Reply | Failure:
    """Drops schemas and pictures without a word, as some servers do."""
    return Reply('{"answer": 4}' if "2 + 2" in request.user else "Blue")


def failing(code: str, when: Callable[[Request], bool] = lambda _: True) -> Rule:
    return lambda request: Failure("", request.stage, code, "because") if when(request) else capable(request)


def test_a_model_that_can_everything() -> None:
    found = probe(Ruled(capable))
    assert (found.text.state, found.schema.state, found.images.state) == ("answered", "enforced", "seen")
    assert found.tokens_per_second is not None
    assert found.tokens_per_second > 0


def test_a_model_that_drops_what_it_does_not_know() -> None:
    found = probe(Ruled(plain))
    assert (found.text.state, found.schema.state, found.images.state) == ("answered", "ignored", "not seen")
    assert found.tokens_per_second is None


def test_no_words_of_a_request_give_away_what_only_a_schema_or_a_picture_tells() -> None:
    model = Ruled(capable)
    probe(model)
    assert len(model.asked) == 3
    allowed = next(r.schema for r in model.asked if r.schema)["properties"]["answer"]["enum"]
    words = " ".join(r.user + r.system for r in model.asked)
    assert not any(word in words for word in [*allowed, "purple"])


@pytest.mark.parametrize("code", ["bad-request", "content-filter"])
def test_what_is_refused_is_told_with_the_reason(code: str) -> None:
    found = probe(Ruled(failing(code, lambda r: bool(r.image or r.schema))))
    assert (found.text.state, found.schema.state, found.images.state) == ("answered", "refused", "refused")
    assert "because" in found.images.detail


def test_a_timeout_over_a_picture_is_no_refusal() -> None:
    assert probe(Ruled(failing("timeout", lambda r: bool(r.image)))).images.state == "failed"


@pytest.mark.parametrize("answer", [Reply("Let me think", "length"), Failure("", "label", "truncated", "thought")])
def test_a_model_that_thinks_too_long_is_usable(answer: Reply | Failure) -> None:
    found = probe(Ruled(lambda _: answer))
    assert (found.text.state, found.schema.state) == ("cut off", "unclear")


@pytest.mark.parametrize("code", ["unreachable", "unauthorized", "quota", "model-not-found", "timeout"])
def test_a_model_that_does_not_answer_is_asked_no_more_and_says_what_to_type(code: str) -> None:
    model = Ruled(failing(code))
    with pytest.raises(ModelGone, match="because") as raised:
        probe(model)
    assert raised.value.hint
    assert len(model.asked) == 1


def test_keys_are_taken_out_of_texts() -> None:
    environ = {"OPENAI_API_KEY": "sk-canary-123", "HOME": "/home/me", "EMPTY_KEY": "", "SHORT_TOKEN": "a"}
    text = without_secrets("Incorrect API key provided: sk-canary-123 in /home/me", environ)
    assert text == "Incorrect API key provided: [OPENAI_API_KEY] in /home/me"
