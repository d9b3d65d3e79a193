"""The contract of language and vision models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path

from ictc.asking import StoredModel, ask, text_fingerprint
from ictc.contracts.ground import BAD, holds, pictures
from ictc.interfaces import Model
from ictc.store import Store
from ictc.types import Failure, Reply, Request

Make = Callable[[], Model]
UNICODE = ["猫 🐈", "e\u0301", "\ud800", "\u202eevil", "\x00", "", 'a "quote" \\ and\nlines', "<|im_end|>"]
AHEAD = 512
"""A model may take so many requests before their answers are fetched."""


def questions(texts: Iterable[str], most: int = 6) -> list[Request]:
    return [Request("label", text, system="Name the mood.", max_tokens=most) for text in texts]


def answers_of(model: Model, requests: list[Request]) -> list[Reply | Failure]:
    """In the order of the requests."""
    found = list(ask(model, requests))
    holds(len(found) == len(requests), "each request is answered once, with its number from 0")
    return found


def every_request_is_answered_once_under_its_number(make: Make, folder: Path) -> None:
    requests = questions(f"text {i} " * (1 + i % 7) for i in range(23))
    numbered = list(make().generate(requests))
    holds(sorted(n for n, _ in numbered) == list(range(23)), "each request is answered once, with its number from 0")
    failed = [a for _, a in numbered if isinstance(a, Failure)]
    holds(not failed, f"a plain question is answered; failed: {failed[:1]}")
    answers, alone = dict(numbered), make()
    for i in (0, 11, 22):
        same = list(alone.generate([requests[i]])) == [(0, answers[i])]
        holds(same, "an answer does not depend on the other requests, and numbers begin at 0 in every call")


def nothing_is_asked_for_nothing(make: Make, folder: Path) -> None:
    holds(list(make().generate([])) == [], "no request, no answer")


def requests_are_taken_lazily(make: Make, folder: Path) -> None:
    taken = 0

    def endless() -> Iterator[Request]:
        nonlocal taken
        for i in count():
            taken += 1
            if taken > AHEAD:
                raise AssertionError(f"requests are taken as they are worked on; {AHEAD} were taken before 5 answers")
            yield Request("label", f"text {i}", max_tokens=2)

    answers = make().generate(endless())
    for _ in range(5):
        next(answers)
    answers.close()  # type: ignore[attr-defined]


def the_same_request_gets_the_same_answer(make: Make, folder: Path) -> None:
    requests = questions(["cat", "dog", "cat"])
    first = answers_of(make(), requests)
    holds(first[0] == first[2], "equal requests get equal answers (temperature 0)")
    holds(first[0] != first[1], "the answer depends on the question")
    holds(answers_of(make(), requests) == first, "opened anew, it gives the same answers")


def any_text_is_taken(make: Make, folder: Path) -> None:
    for text, answer in zip(UNICODE, answers_of(make(), questions(UNICODE)), strict=True):
        if isinstance(answer, Failure):
            raise AssertionError(f"{text!r} is a text like any other; failed: {answer.code}: {answer.message}")
        broken = any("\ud800" <= letter <= "\udfff" for letter in answer.text)
        holds(not broken, f"an answer can be written as UTF-8 (no halves of surrogate pairs); it was {answer.text!r}")


def max_tokens_is_kept(make: Make, folder: Path) -> None:
    for most in (1, 5):
        [answer] = answers_of(make(), questions(["cat"], most))
        kept = isinstance(answer, Reply) and answer.output_tokens <= most and len(answer.text.split()) <= most
        holds(kept, f"an answer has no more than max_tokens ({most}); it was {answer}")


def what_is_stored_is_not_asked_again(make: Make, folder: Path) -> None:
    store = Store(None)
    requests = questions(["cat", "dog"])
    answers_of(make(), requests)
    first = answers_of(StoredModel(make(), store), requests)
    holds(answers_of(StoredModel(_Unasked(make()), store), requests) == first, "an answer is found by what was asked")


def the_fingerprint_does_not_change_by_use(make: Make, folder: Path) -> None:
    made = make()
    before = made.fingerprint
    list(made.generate(questions(["cat"], 1)))
    holds(isinstance(before, str) and before != "", "the fingerprint is a text")
    holds(made.fingerprint == before == make().fingerprint, "asking or opening anew does not change the fingerprint")


def pictures_that_cannot_be_read_fail_in_their_place(make: Make, folder: Path) -> None:
    items = pictures(folder)[: BAD + 2]
    answers = answers_of(make(), [Request("describe", "Mood?", image=i, max_tokens=4) for i in items])
    failed = [n for n, a in enumerate(answers) if isinstance(a, Failure)]
    rule = "a model that sees fails on the broken picture alone, one that does not see on all"
    holds(failed in ([BAD], list(range(len(items)))), f"{rule}; failed: {failed}")
    for answer in answers:
        if isinstance(answer, Failure):
            said = answer.image == "" and answer.code and answer.message and not answer.retryable
            holds(bool(said), f"a Failure has image '', a code, a message, and no retry would help: {answer}")


class _Unasked:
    """A model with the fingerprint of another one, that nobody may ask."""

    def __init__(self, model: Model) -> None:
        self.fingerprint, self.text_fingerprint = model.fingerprint, text_fingerprint(model)

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply | Failure]]:
        holds(list(requests) == [], "a stored answer is not asked for again")
        return iter(())


MODEL = (
    every_request_is_answered_once_under_its_number,
    nothing_is_asked_for_nothing,
    requests_are_taken_lazily,
    the_same_request_gets_the_same_answer,
    any_text_is_taken,
    max_tokens_is_kept,
    what_is_stored_is_not_asked_again,
    the_fingerprint_does_not_change_by_use,
    pictures_that_cannot_be_read_fail_in_their_place,
)
