"""Asking a model one thing of each of many texts: packed if wanted, singly where that goes wrong, and once again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, TypeVar

from ictc.asking import ask
from ictc.errors import ModelGone
from ictc.interfaces import Model
from ictc.prompts import Prompt
from ictc.replies.answers import Fault, pack_in
from ictc.replies.form import LONGER, an_object, answers_schema, as_data
from ictc.replies.reading import shown, without_thinking
from ictc.text import shortened
from ictc.types import GONE, Failure, Reply, Request, Stage

T = TypeVar("T")

_IN_PACK = 48  # tokens of one answer in a pack


@dataclass(frozen=True, slots=True)
class Lost:
    """A text that got no usable answer. `answered`: the model did answer, with `answer` (shortened, safe to show)."""

    code: str
    message: str
    answered: bool = False
    answer: str = ""
    retryable: bool = False

    def failure(self, image: str, stage: Stage) -> Failure:
        said = f" It answered: {self.answer}" if self.answer else ""
        return Failure(image, stage, self.code, self.message + said, self.retryable)


@dataclass(frozen=True, slots=True)
class Form(Generic[T]):
    """One kind of question. `key` is where an answer stands in JSON, `schema` what it looks like there.

    `single` and `packed` are the prompts for one and for several descriptions; `read` reads a whole reply, `accept`
    one answer out of a pack.
    """

    stage: Stage
    key: str
    schema: dict[str, Any]
    single: Prompt
    packed: Prompt
    read: Callable[[str], T | Fault]
    accept: Callable[[str], T | Fault]
    max_tokens: int

    def one(self, text: str) -> Request:
        return Request(
            self.stage,
            user=self.single.user(data=as_data({"description": text})),
            system=self.single.system,
            schema=an_object({self.key: self.schema}),
            max_tokens=self.max_tokens,
        )

    def several(self, texts: Sequence[str]) -> Request:
        rows = [{"id": i, "description": text} for i, text in enumerate(texts, 1)]
        return Request(
            self.stage,
            user=self.packed.user(data=as_data(rows)),
            system=self.packed.system,
            schema=answers_schema(self.key, self.schema, len(texts)),
            max_tokens=self.max_tokens + _IN_PACK * len(texts),
        )


def ask_each(
    model: Model, form: Form[T], texts: Sequence[str], repair: Prompt, pack: int, done: Callable[[int], None]
) -> list[T | Lost]:
    """One answer per text, in order; `done` is told the index of each text that is finished. `texts` are distinct."""
    answers: dict[int, T | Lost] = {}

    def settle(index: int, answer: T | Lost) -> None:
        answers[index] = answer
        done(index)

    alone = list(_packed(model, form, texts, pack, settle)) if pack > 1 else range(len(texts))
    again: list[tuple[int, Callable[[], Request]]] = []
    for index, reply in zip(alone, ask(model, (form.one(texts[i]) for i in alone)), strict=True):
        if isinstance(reply, Failure):
            if reply.code == "context-overflow" and len(texts[index]) > 1:
                again.append((index, partial(form.one, texts[index][: len(texts[index]) // 2])))
            else:
                settle(index, _lost(reply))
            continue
        read = form.read(reply.text)
        if isinstance(read, Fault):
            again.append((index, partial(_repaired_one, form, texts[index], reply, read, repair)))
        else:
            settle(index, read)
    for (index, _), reply in zip(again, ask(model, (request() for _, request in again)), strict=True):
        if isinstance(reply, Failure):
            settle(index, _lost(reply))
        else:
            final: T | Lost = _last(form, reply)
            settle(index, final)
    return [answers[i] for i in range(len(texts))]


def repaired(request: Request, reply: Reply, fault: Fault, repair: Prompt) -> Request:
    """The second and last try: with room to think for an answer that was cut off, else quoting what was wrong."""
    if reply.finish == "length":
        return replace(request, max_tokens=request.max_tokens * LONGER)
    said = as_data(shortened(without_thinking(reply.text), 2000))
    return replace(request, user=repair.user(question=request.user, answer=said, fault=fault.message))


def must(answer: Reply | Failure) -> Reply | Failure:
    """The answer, unless the model is gone.

    Raises:
        ModelGone: it answers nothing more.
    """
    if isinstance(answer, Failure) and answer.code in GONE:
        raise ModelGone(
            answer.message, "What was answered is kept; put the cause right and run the same command again."
        )
    return answer


def _packed(
    model: Model, form: Form[T], texts: Sequence[str], pack: int, settle: Callable[[int, T | Lost], None]
) -> Iterator[int]:
    """Settles what packs answer well; gives the indices that must be asked singly."""
    packs = [range(start, min(start + pack, len(texts))) for start in range(0, len(texts), pack)]
    requests = (form.several([texts[i] for i in indices]) for indices in packs if len(indices) > 1)
    full = [indices for indices in packs if len(indices) > 1]
    yield from (indices[0] for indices in packs if len(indices) == 1)
    for indices, reply in zip(full, ask(model, requests), strict=True):
        if isinstance(reply, Failure):
            if reply.retryable or reply.code in GONE:
                for i in indices:
                    settle(i, _lost(reply))
            else:
                yield from indices
            continue
        rows = pack_in(reply.text, len(indices), form.key)
        if isinstance(rows, Fault):
            yield from indices
            continue
        for i, said in zip(indices, rows, strict=True):
            value = form.accept(said)
            if isinstance(value, Fault):
                yield i
            else:
                settle(i, value)


def _repaired_one(form: Form[T], text: str, reply: Reply, fault: Fault, repair: Prompt) -> Request:
    return repaired(form.one(text), reply, fault, repair)


def _last(form: Form[T], reply: Reply) -> T | Lost:
    read = form.read(reply.text)
    if not isinstance(read, Fault):
        return read
    code = "truncated" if reply.finish == "length" and read.code != "off-list" else read.code
    return Lost(code, f"The model's answer cannot be used. {read.message}", True, shown(reply.text))


def _lost(failure: Failure) -> Lost:
    return Lost(failure.code, failure.message, retryable=failure.retryable)
