"""Asking a model one thing of each of many texts: packed if wanted, singly where that goes wrong, and once again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from ictc.allowance import SPENT
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
_QUOTED = 2000  # characters of a reply
_TOO_LONG = Fault("The text does not fit into the model's context.", "context-overflow")


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


_UNASKED = Lost("unasked", "")


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
    """One answer per text, in order; `done` is told the index of each text that is finished. `texts` are distinct.

    There may be a million: requests are made as they are taken, and of a reply stays what a second request quotes.
    """
    answers: list[T | Lost] = [_UNASKED] * len(texts)

    def settle(index: int, answer: T | Lost) -> None:
        answers[index] = answer
        done(index)

    alone = list(_packed(model, form, texts, pack, settle)) if pack > 1 else range(len(texts))
    again: list[tuple[int, str | None, Fault]] = []
    for index, reply in zip(alone, ask(model, (form.one(texts[i]) for i in alone)), strict=True):
        if isinstance(reply, Failure):
            if reply.code == _TOO_LONG.code and len(texts[index]) > 1:
                again.append((index, None, _TOO_LONG))
            else:
                settle(index, _lost(reply))
            continue
        read = form.read(reply.text)
        if isinstance(read, Fault):
            again.append((index, quoted(reply), read))
        else:
            settle(index, read)
    second = (_second(form, texts[i], said, fault, repair) for i, said, fault in again)
    for (index, said, fault), reply in zip(again, ask(model, second), strict=True):
        if isinstance(reply, Failure) and reply.code == SPENT and said is not None:  # then its first answer stands
            settle(index, Lost(fault.code, f"The model's answer cannot be used. {fault.message}", True, shown(said)))
        elif isinstance(reply, Failure):
            settle(index, _lost(reply))
        else:
            final: T | Lost = _last(form, reply)
            settle(index, final)
    return answers


def quoted(reply: Reply) -> str | None:
    """What a second request quotes of a reply; None of one that was cut off, which is given more room instead."""
    return None if reply.finish == "length" else shortened(without_thinking(reply.text), _QUOTED)


def repaired(request: Request, said: str | None, fault: Fault, repair: Prompt) -> Request:
    """The second and last try after a reply of which `said` is `quoted`: with more room, else with what was wrong."""
    if said is None:
        return replace(request, max_tokens=request.max_tokens * LONGER)
    return replace(request, user=repair.user(question=request.user, answer=as_data(said), fault=fault.message))


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
    starts = range(0, len(texts) - 1, pack)  # a last one by itself is no pack
    requests = (form.several(texts[start : start + pack]) for start in starts)
    yield from range(starts[-1] + pack if starts else 0, len(texts))
    for start, reply in zip(starts, ask(model, requests), strict=True):
        indices = range(start, min(start + pack, len(texts)))
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


def _second(form: Form[T], text: str, said: str | None, fault: Fault, repair: Prompt) -> Request:
    if fault is _TOO_LONG:
        return form.one(text[: len(text) // 2])
    return repaired(form.one(text), said, fault, repair)


def _last(form: Form[T], reply: Reply) -> T | Lost:
    read = form.read(reply.text)
    if not isinstance(read, Fault):
        return read
    code = "truncated" if reply.finish == "length" and read.code != "off-list" else read.code
    return Lost(code, f"The model's answer cannot be used. {read.message}", True, shown(reply.text))


def _lost(failure: Failure) -> Lost:
    return Lost(failure.code, failure.message, retryable=failure.retryable)
