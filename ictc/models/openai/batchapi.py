"""The provider's batch routes, called one at a time: files up and down, batches made, found again and looked at."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any, TypeVar

from ictc.errors import IctcError
from ictc.modeloptions import ModelOptions
from ictc.models.openai.client import NO_KEY
from ictc.models.openai.errors import Fault, from_status
from ictc.models.openai.spec import Server

if TYPE_CHECKING:
    from openai.types import Batch

_T = TypeVar("_T")
_TAG = "ictc"
_KEPT = 30 * 86400  # seconds; providers keep the files of a batch about as long
_LOOKS = 5.0  # seconds between two looks at a batch; longer and longer
_SELDOM = 60.0


class BatchError(IctcError):
    """The batch interface cannot be used, or what was submitted came to a bad end."""


class BatchRoutes:
    """`owner`: a short digest that marks the batches of one model, so that they are found again without local state.

    Raises:
        BatchError: by every method, when the server has no such routes or lastingly refuses.
    """

    def __init__(self, server: Server, options: ModelOptions, owner: str, base_delay: float) -> None:
        from openai import OpenAI

        self._server = server
        self._retries = options.retries
        self._owner = owner
        self._delay = base_delay
        self._client = OpenAI(
            api_key=server.key or NO_KEY, base_url=server.base_url, max_retries=0, timeout=options.timeout
        )

    def close(self) -> None:
        self._client.close()

    def submit(self, lines: IO[bytes], first: str) -> Batch:
        """`first`: the id of the first request in it; while a batch runs, none of its answers can be known."""

        def upload() -> Any:
            lines.seek(0)
            return self._client.files.create(file=("ictc.jsonl", lines), purpose="batch")

        file = self._call(upload)
        return self._call(  # not again after silence: it may have been made, and the next command finds it
            lambda: self._client.batches.create(
                input_file_id=file.id,
                endpoint="/v1/chat/completions",
                completion_window="24h",
                metadata={_TAG: self._owner, "first": first},
            ),
            after_silence=False,
        )

    def own(self) -> list[Batch]:
        """This model's batches, newest first, as far back as their files are kept."""
        found, after, oldest = [], "", time.time() - _KEPT
        while True:
            more = {"after": after} if after else {}
            page = self._call(lambda more=more: self._client.batches.list(limit=100, **more)).data  # type: ignore[misc]
            found += [b for b in page if (b.metadata or {}).get(_TAG) == self._owner]
            if len(page) < 100 or page[-1].created_at < oldest:
                return found
            after = page[-1].id

    def look(self, batch: str) -> Batch:
        return self._call(lambda: self._client.batches.retrieve(batch))

    def finished(self, batch: Batch) -> Batch:
        """Waits until it is."""
        pause = min(_LOOKS, 10 * self._delay)
        while batch.status in RUNNING:
            time.sleep(pause)
            pause = min(_SELDOM, pause * 1.5)
            batch = self.look(batch.id)
        return batch

    def lines(self, file: str | None) -> Iterator[dict[str, Any]]:
        """The JSON objects of a file; one without a `custom_id` or that is no JSON is left out."""
        if file is None:
            return
        content = self._call(lambda: self._client.files.content(file)).content
        for line in content.splitlines():
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict) and isinstance(value.get("custom_id"), str):
                yield value

    def _call(self, work: Callable[[], _T], *, after_silence: bool = True) -> _T:
        import openai

        for tries in range(self._retries + 1):
            try:
                return work()
            except openai.APIStatusError as error:
                fault = from_status(error.status_code, error.body, error.response.headers)
            except openai.APIConnectionError as error:
                fault = Fault("unreachable", f"No connection: {error.__cause__}", again=after_silence, answered=False)
            if not fault.again or tries == self._retries:
                break
            time.sleep(fault.wait if fault.wait is not None else self._delay * 2**tries)
        raise self._error(fault)

    def _error(self, fault: Fault) -> BatchError:
        message = self._server.clean(fault.message)
        hint = "The same command goes on: what was submitted is found again."
        if fault.code == "model-not-found":
            hint = "Not every server has a batch interface. Leave out --batch."
        elif fault.code == "unauthorized":
            hint = "Set OPENAI_API_KEY to a key that this server takes."
        return BatchError(f"The batch interface of {self._server.base_url} cannot be used: {message}", hint)


RUNNING = frozenset({"validating", "in_progress", "finalizing", "cancelling"})
