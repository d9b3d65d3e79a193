"""What requests really took, from a model that knows; and whether it may take more than they allow by themselves."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

from ictc.types import GONE, Failure, Reply, Request


@dataclass(slots=True)
class Usage:
    """One request, all its tries together; also of one that ended as a `Failure`.

    `sent`: whether anything of it was. Tokens are as the server counted them, 0 where it does not say. `starved`: given
    up because `Allow` did not let it have more; with that let, it may be asked again.
    """

    sent: bool = False
    input_tokens: int = 0
    output_tokens: int = 0
    starved: bool = False


Used: TypeAlias = tuple[int, Reply | Failure, Usage]
Allow = Callable[[int, Usage, int], bool]
"""(number of the request, what it took so far, tokens of the next try beyond `max_tokens`) -> may it? In any thread."""


def freely(_number: int, _so_far: Usage, _room: int) -> bool:
    """Nobody minds the cost."""
    return True


@runtime_checkable
class Accounted(Protocol):
    """A `Model` that says what each request took. `room`: tokens that it now adds to a request's `max_tokens`."""

    @property
    def room(self) -> int: ...

    def accounted(self, requests: Iterable[Request], allow: Allow = freely) -> Generator[Used, None, None]:
        """As `Model.generate`, which is this without the last column."""
        ...


def starved(request: Request) -> Failure:
    """What a request that `Allow` held back is answered with."""
    message = "The model used up all tokens for thinking, and the budget leaves no room for more."
    return Failure("", request.stage, "truncated", message, retryable=True)


def guessed(answer: Reply | Failure) -> Usage:
    """What an answer took, by itself: a model that says no more asked once."""
    if isinstance(answer, Failure):
        return Usage(sent=answer.code not in GONE and answer.stage != "image")
    return Usage(True, answer.input_tokens, answer.output_tokens)
