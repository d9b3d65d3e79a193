"""A model that answers so many requests and no more, and one that answers none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ictc.interfaces import Model
from ictc.types import Failure, Reply, Request

SPENT = "budget"
"""Code of the failure that a request gets for which nothing is left."""


UNASKED = "unasked"


class Allowance:
    """Implements `Model` around a model. Every request counts, also one whose answer is in a store beneath: so what is
    asked does not depend on what was asked before, and a run that was killed ends like one that was not."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.left = 0

    @property
    def fingerprint(self) -> str:
        return self._model.fingerprint

    @property
    def text_fingerprint(self) -> str:
        return getattr(self._model, "text_fingerprint", self._model.fingerprint)

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply | Failure]]:
        numbers: list[int] = []
        denied: list[tuple[int, Request]] = []

        def allowed() -> Iterator[Request]:
            for number, request in enumerate(requests):
                if self.left > 0:
                    self.left -= 1
                    numbers.append(number)
                    yield request
                else:
                    denied.append((number, request))

        for inner, answer in self._model.generate(allowed()):
            yield numbers[inner], answer
        for number, request in denied:
            yield number, Failure("", request.stage, SPENT, "The budget of model calls is used up.")


class Silent:
    """Implements `Model` in place of a model that is not to be asked: within a `StoredModel`, what was answered before
    is known, and the rest fails for now."""

    def __init__(self, model: Model) -> None:
        self.fingerprint = model.fingerprint
        self.text_fingerprint: str = getattr(model, "text_fingerprint", model.fingerprint)

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply | Failure]]:
        for number, request in enumerate(requests):
            yield number, Failure("", request.stage, UNASKED, "It was not asked about this.", retryable=True)
