"""Putting requests to a model: answers in the order of the requests, and none paid for twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from itertools import islice
from typing import Any

from ictc.errors import AnswersLater
from ictc.interfaces import Model
from ictc.store import Store, content_key
from ictc.types import GONE, Failure, Reply, Request

BLOCK = 8192
"""Requests held and looked up at once; between blocks the model runs dry for the time of one answer."""
_UNKEYED = "unkeyed:"


def ask(model: Model, requests: Iterable[Request]) -> Iterator[Reply | Failure]:
    """The answers in the order of `requests`, as early as that order allows."""
    waiting: dict[int, Reply | Failure] = {}
    expected = 0
    for number, answer in model.generate(requests):
        waiting[number] = answer
        while expected in waiting:
            yield waiting.pop(expected)
            expected += 1


def text_fingerprint(model: Model) -> str:
    """A model's fingerprint for requests without a picture: without how pictures are prepared, where it says so."""
    return str(getattr(model, "text_fingerprint", model.fingerprint))


class StoredModel:
    """A model around a model: asks only what the store does not hold, and keeps each answer before it is passed on.

    Equal requests are asked once, also while the first is still under way. Failures that another try would not mend
    are kept like replies; the others are asked again next time. Answers that were passed on are on disk: a kill costs
    the requests in flight and nothing else.
    """

    def __init__(self, model: Model, store: Store, block: int = BLOCK, retry_failed: bool = False) -> None:
        """`block`: requests held at once. `retry_failed`: kept failures count as not there."""
        self._model = model
        self._store = store
        self._block_size = block
        self._retry_failed = retry_failed

    @property
    def fingerprint(self) -> str:
        return self._model.fingerprint

    @property
    def text_fingerprint(self) -> str:
        return text_fingerprint(self._model)

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply | Failure]]:
        """Raises AnswersLater once every block was put to the model, where it left any of them for later."""
        numbered = enumerate(requests)
        left: list[str] = []
        while block := list(islice(numbered, self._block_size)):
            try:
                yield from self._block(block)
            except AnswersLater as later:
                left += later.left
        if left:
            raise AnswersLater(left)

    def _block(self, block: list[tuple[int, Request]]) -> Iterator[tuple[int, Reply | Failure]]:
        waiting: dict[str, list[int]] = {}
        missing: dict[str, Request] = {}
        keyed = [(number, request, self._key(request) or f"{_UNKEYED}{number}") for number, request in block]
        known = self._store.get_json([key for _, _, key in keyed])
        if self._retry_failed:
            known = {key: value for key, value in known.items() if "reply" in value}
        for number, request, key in keyed:
            if key in known:
                yield number, _decoded(known[key], request)
            else:
                waiting.setdefault(key, []).append(number)
                missing[key] = request
        keys = list(missing)
        for inner, answer in self._model.generate(missing.values()):
            kept = isinstance(answer, Reply) or not (answer.retryable or answer.code in GONE)
            if kept and not keys[inner].startswith(_UNKEYED):
                self._store.put_json([(keys[inner], _encoded(answer))])
            for number in waiting[keys[inner]]:
                yield number, answer

    def _key(self, request: Request) -> str:
        """ "" for a picture that could not be read: there is no content to know it by."""
        if request.image is not None and not request.image.sha256:
            return ""
        asked = text_fingerprint(self._model) if request.image is None else self._model.fingerprint
        return content_key("reply/1", model=asked, request=request.content)


def _encoded(answer: Reply | Failure) -> dict[str, Any]:
    kind = "reply" if isinstance(answer, Reply) else "failure"
    return {kind: asdict(answer)}


def _decoded(value: dict[str, Any], request: Request) -> Reply | Failure:
    if "reply" in value:
        return Reply(**value["reply"])
    failure = Failure(**value["failure"])
    return failure if failure.stage == "image" else replace(failure, stage=request.stage)
