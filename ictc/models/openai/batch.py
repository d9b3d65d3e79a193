"""The provider's batch interface as a model: half the price, an answer within a day, nothing kept on this machine.

A request's id in a batch is the digest of its content. What this model's earlier batches hold is looked up by those ids
before anything is submitted, so a killed or left run finds its answers again, however much of them it already has.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice
from typing import Any

from ictc.errors import AnswersLater
from ictc.images import upload
from ictc.models.openai import wire
from ictc.models.openai.asker import BASE_DELAY
from ictc.models.openai.batchapi import BatchError, BatchRoutes
from ictc.models.openai.batchshapes import Batch
from ictc.models.openai.errors import Fault, from_status
from ictc.models.openai.model import OpenAIModel
from ictc.models.usage import Allow, Usage, Used, freely, starved
from ictc.types import Failure, Reply, Request

_MOST = 50_000  # requests in one batch, and
_MOST_BYTES = 190_000_000  # in its file (OpenAI: 200 MB)
_ID = 40  # hexadecimal digits

_Asked = dict[str, list[tuple[int, Request]]]  # equal requests have one id


class BatchModel:
    """Implements `Model`. The first request that no batch holds is asked at once, at the full price: it tells a wrong
    key and parameters the model refuses before a day is lost on them.

    Raises:
        AnswersLater: with `options.leave`, once everything is submitted and what was ready is given.
        BatchError: a batch failed as a whole, or the server has no batch interface.
    """

    def __init__(self, model: OpenAIModel, base_delay: float = BASE_DELAY) -> None:
        self._model = model
        self._base_delay = base_delay

    @property
    def fingerprint(self) -> str:
        return self._model.fingerprint

    @property
    def text_fingerprint(self) -> str:
        return self._model.text_fingerprint

    @property
    def room(self) -> int:
        """See `OpenAIModel.room`."""
        return self._model.room

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply | Failure]]:
        with closing(self.accounted(requests)) as answers:
            for number, answer, _ in answers:
                yield number, answer

    def accounted(self, requests: Iterable[Request], allow: Allow = freely) -> Generator[Used, None, None]:
        """As `generate`, with what each request took; see `ictc.models.usage`."""
        numbered = enumerate(requests)
        left: list[str] = []
        owner = hashlib.sha256(self.text_fingerprint.encode()).hexdigest()[:_ID]
        routes = BatchRoutes(self._model.server, self._model.options, owner, self._base_delay)
        try:
            while window := list(islice(numbered, _MOST)):
                asked: _Asked = {}
                for number, request in window:
                    asked.setdefault(self._id(request), []).append((number, request))
                yield from self._window(routes, asked, left, allow)
        finally:
            routes.close()
        if left:
            raise AnswersLater(left)

    def _window(self, routes: BatchRoutes, asked: _Asked, left: list[str], allow: Allow) -> Iterator[Used]:
        if gone := self._model.gone:
            for same in asked.values():
                yield from _to_all(same, gone, Usage())
            return
        batches = routes.own()
        for batch in batches:
            if asked and not batch.running:
                yield from self._collected(routes, batch, asked, old=True)
        running: list[Batch] = []
        under_way: set[str] = set()
        for batch in sorted((b for b in batches if b.running), key=lambda b: b.first not in asked):
            if asked.keys() <= under_way:
                break  # the files of the others need no reading
            if held := routes.ids(batch) & asked.keys():
                running.append(batch)
                under_way |= held
        new = {name: same for name, same in asked.items() if name not in under_way}
        if new:
            name, same = next(iter(new.items()))
            number, request = same[0]
            [(_, answer, usage)] = self._model.accounted([request], lambda _, *more: allow(number, *more))
            yield from _to_all(same, answer, usage)
            del new[name], asked[name]
            if not self._model.gone:
                running += yield from self._submitted(routes, new, asked, allow)
        if self._model.options.leave and running:
            left += [f"{batch.id} ({batch.progress})" for batch in running]
            return
        ended: list[Batch] = []
        for batch in running:
            ended.append(routes.finished(batch))
            yield from self._collected(routes, ended[-1], asked, old=False)
        rest = self._model.gone or self._unanswered(ended)
        for same in asked.values():
            yield from _to_all(same, rest, Usage(sent=bool(ended)))

    def _submitted(
        self, routes: BatchRoutes, new: _Asked, asked: _Asked, allow: Allow
    ) -> Generator[Used, None, list[Batch]]:
        """Submits `new` in as many batches as it takes and returns them. An image that cannot be read and what `allow`
        holds back are told at once and leave `asked`."""
        made: list[Batch] = []
        with tempfile.TemporaryFile() as lines:
            first, size = "", 0
            for name, same in new.items():
                number, request = same[0]
                if self.room and not allow(number, Usage(), self.room):
                    yield from _to_all(asked.pop(name), starved(request), Usage(starved=True))
                    continue
                line = self._line(name, request)
                if isinstance(line, Failure):
                    yield from _to_all(asked.pop(name), line, Usage())
                    continue
                if first and size + len(line) > _MOST_BYTES:
                    made.append(routes.submit(lines, first))
                    lines.seek(0)
                    lines.truncate()
                    first, size = "", 0
                first, size = first or name, size + lines.write(line)
            if first:
                made.append(routes.submit(lines, first))
        return made

    def _line(self, name: str, request: Request) -> bytes | Failure:
        picture: str | None = None
        if request.image is not None:
            url = upload.data_url(request.image, self._model.options.image_side)
            if isinstance(url, Failure):
                return replace(url, image="")
            picture = url
        body = wire.body(request, self._model.server.model, self._model.dialect, picture=picture)
        line = {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body}
        return json.dumps(line).encode() + b"\n"

    def _collected(self, routes: BatchRoutes, batch: Batch, asked: _Asked, *, old: bool) -> Iterator[Used]:
        """What `batch` holds of `asked`, which loses it. What an `old` one failed to answer for a while stays."""
        if batch.status == "failed":
            if old:
                return
            why = self._model.server.clean(batch.why)
            raise BatchError(f"The batch {batch.id} failed: {why}.", "The same command submits it again.")
        for file in (batch.output_file, batch.error_file):
            for line in routes.lines(file):
                name = line["custom_id"]
                if name in asked:
                    result = self._result(line)
                    if not (old and isinstance(result, Fault) and result.again):
                        usage = Usage(True, result.input_tokens, result.output_tokens)
                        yield from _to_all(asked.pop(name), result, usage)

    def _result(self, line: dict[str, Any]) -> Reply | Fault:
        result = _read(line)
        return (
            replace(result, text=self._model.server.clean_answer(result.text))
            if isinstance(result, Reply)
            else replace(result, message=self._model.server.clean(result.message))
        )

    @staticmethod
    def _unanswered(batches: list[Batch]) -> Fault:
        ends = ", ".join(f"{b.id} {b.status}" for b in batches) or "no batch"
        return Fault("server-error", f"No answer came from the provider's batches ({ends}).", again=True)

    def _id(self, request: Request) -> str:
        asked = self.text_fingerprint if request.image is None else self.fingerprint
        content = json.dumps([asked, request.content], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:_ID]


def _read(line: dict[str, Any]) -> Reply | Fault:
    response, error = line.get("response"), line.get("error")
    if isinstance(response, dict) and response.get("body") is not None:
        status = response.get("status_code")
        if isinstance(status, int) and status >= 400:
            return from_status(status, response["body"], {})
        return wire.parsed(response["body"])
    why = str(error.get("message") or error.get("code")) if isinstance(error, dict) else "no reason given"
    return Fault("server-error", f"The batch gave no answer: {why}.", again=True)


def _to_all(same: list[tuple[int, Request]], answer: Reply | Fault | Failure, usage: Usage) -> Iterator[Used]:
    """Only the first took what was used."""
    for number, request in same:
        if number != same[0][0]:
            usage = Usage(starved=usage.starved)
        if isinstance(answer, Fault):
            failure = Failure("", request.stage, answer.code, answer.message, retryable=answer.again)
            yield number, failure, usage
        elif isinstance(answer, Failure):
            yield number, replace(answer, stage=request.stage if answer.stage != "image" else "image"), usage
        else:
            yield number, answer, usage
