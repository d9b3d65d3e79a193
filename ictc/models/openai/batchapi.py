"""The provider's batch routes, called one at a time: files up and down, batches made, found again and looked at."""

from __future__ import annotations

import json
import logging
import re
import shlex
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import IO, Any, TypeVar

from ictc.errors import IctcError
from ictc.modeloptions import ModelOptions
from ictc.models.openai.batchshapes import (
    KNOWN_RUNNING,
    TAG,
    Batch,
    Odd,
    check_no_error,
    read_batch,
    read_object,
    read_page,
    read_text,
)
from ictc.models.openai.client import NO_KEY
from ictc.models.openai.errors import Fault, from_status
from ictc.models.openai.spec import Server

_T = TypeVar("_T")
_KEPT = 30 * 86400  # seconds; providers keep the files of a batch about as long
_LOOKS = 5.0  # seconds between two looks at a batch; longer and longer
_SELDOM = 60.0
_PROMISED = 24 * 3600.0  # seconds within which a provider ends a batch, and
_SLACK = 3600.0  # what it gets beyond; so much, too, a batch in a state that nobody here knows
_LONGEST_WAIT = 300.0  # seconds; a server that asks for more is not waited for
_ID = re.compile(rb'"custom_id"\s*:\s*"([^"\\]*)"')  # in a text that is asked about, the quotes have a backslash
_LOG = logging.getLogger(__name__)


class BatchError(IctcError):
    """The batch interface cannot be used, or what was submitted came to a bad end."""


class BatchRoutes:
    """`owner`: a short digest that marks the batches of one model, so that they are found again without local state.

    Raises:
        BatchError: by every method, when the server has no such routes, answers in another shape, or lastingly refuses.
    """

    def __init__(self, server: Server, options: ModelOptions, owner: str, base_delay: float) -> None:
        from openai import OpenAI

        self._server = server
        self._retries = options.retries
        self._owner = owner
        self._delay = base_delay
        self._ids: dict[str, frozenset[str]] = {}
        self._client = OpenAI(
            api_key=server.key or NO_KEY, base_url=server.base_url, max_retries=0, timeout=options.timeout
        )

    def close(self) -> None:
        self._client.close()

    def submit(self, lines: IO[bytes], first: str) -> Batch:
        """`first`: the id of the first request in it, by which it is mostly known again without reading its file."""

        def upload() -> str:
            lines.seek(0)
            sent = self._client.files.with_raw_response.create(file=("ictc.jsonl", lines), purpose="batch")
            return read_text(read_object(sent.content), "id")

        body = {
            "input_file_id": self._call(upload),
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            "metadata": {TAG: self._owner, "first": first},
        }
        # not again after silence or nonsense: it may have been made, and the next command finds it
        return self._call(lambda: read_batch(self._send("POST", "/batches", body)), once=True)

    def own(self) -> list[Batch]:
        """This model's batches, newest first, as far back as their files are kept."""
        found, after, oldest = [], "", time.time() - _KEPT
        while True:
            query = "?limit=100" + (f"&after={after}" if after else "")
            page = self._call(lambda query=query: read_page(self._send("GET", f"/batches{query}")))  # type: ignore[misc]
            found += [b for b in page if b.owner == self._owner]
            if len(page) < 100 or page[-1].created_at < oldest:
                return found
            after = page[-1].id

    def ids(self, batch: Batch) -> frozenset[str]:
        """What was submitted in `batch`, by the ids of its requests. Its file, pictures and all, is read once."""
        if batch.id not in self._ids:
            with self._downloaded(batch.input_file) as lines:
                found = (_ID.search(line) for line in lines)
                self._ids[batch.id] = frozenset(match[1].decode() for match in found if match)
        return self._ids[batch.id]

    def finished(self, batch: Batch) -> Batch:
        """Waits until it is, and logs how far it is, which shows on standard error.

        Raises:
            BatchError: it is not, an hour after it had to be, or stays in a state that is not known here.
        """
        pause = min(_LOOKS, 10 * self._delay)
        began, said = time.monotonic(), ""
        while batch.running:
            if batch.progress != said:
                said = batch.progress
                _LOG.warning("%s: %s", batch.id, said)
            waited = time.monotonic() - began
            age = time.time() - batch.created_at
            late = max(waited, age if age < _KEPT else 0) > _PROMISED + _SLACK
            if late if batch.status in KNOWN_RUNNING else waited > _SLACK:
                raise self._endless(batch)
            time.sleep(pause)
            pause = min(_SELDOM, pause * 1.5)
            batch = self._look(batch.id)
        return batch

    def lines(self, file: str | None) -> Iterator[dict[str, Any]]:
        """The JSON objects of a file; one without a `custom_id` or that is no JSON is left out."""
        with self._downloaded(file) as lines:
            for line in lines:
                try:
                    value = json.loads(line)
                except ValueError:
                    continue
                if isinstance(value, dict) and isinstance(value.get("custom_id"), str):
                    yield value

    def _look(self, batch: str) -> Batch:
        return self._call(lambda: read_batch(self._send("GET", f"/batches/{batch}")))

    def _downloaded(self, file: str | None) -> IO[bytes]:
        """The lines of a file, on disk: it may be 200 MB. Empty where there is no file."""
        kept = tempfile.TemporaryFile()  # noqa: SIM115 (closed by who reads it)

        def download() -> None:
            kept.seek(0)
            kept.truncate()
            with self._client.files.with_streaming_response.content(str(file)) as response:
                for part in response.iter_bytes():
                    kept.write(part)
            kept.seek(0)
            check_no_error(kept.readline())

        try:
            if file is not None:
                self._call(download)
        except BaseException:
            kept.close()
            raise
        kept.seek(0)
        return kept

    def _send(self, verb: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        import httpx2

        if verb == "GET":
            return read_object(self._client.get(path, cast_to=httpx2.Response).content)
        return read_object(self._client.post(path, cast_to=httpx2.Response, body=body).content)

    def _call(self, work: Callable[[], _T], *, once: bool = False) -> _T:
        import httpx2
        import openai

        for tries in range(self._retries + 1):
            try:
                return work()
            except openai.APIStatusError as error:
                fault = from_status(error.status_code, error.body, error.response.headers)
            except (openai.APIConnectionError, httpx2.TransportError) as error:
                why = f"No connection: {error.__cause__ or error}"
                fault = Fault("unreachable", why, again=not once, answered=False)
            except Odd as odd:
                fault = odd.fault
            again = fault.again and not (once and fault.code == "malformed-reply")
            if not again or tries == self._retries or (fault.wait or 0) > _LONGEST_WAIT:
                break
            time.sleep(fault.wait if fault.wait is not None else self._delay * 2**tries)
        raise self._error(fault)

    def _error(self, fault: Fault) -> BatchError:
        message = self._server.clean(fault.message)
        hint = "The same command goes on: what was submitted is found again."
        if fault.code in ("model-not-found", "malformed-reply"):
            hint = "Not every server has a batch interface such as OpenAI's. Leave out --batch."
        elif fault.code == "unauthorized":
            hint = "Set OPENAI_API_KEY to a key that this server takes."
        return BatchError(f"The batch interface of {self._server.base_url} cannot be used: {message}", hint)

    def _endless(self, batch: Batch) -> BatchError:
        known = batch.status in KNOWN_RUNNING
        why = "though it was to be done within 24 hours" if known else "a state that is not known here"
        cancel = shlex.quote(f"{self._server.base_url}/batches/{batch.id}/cancel")
        return BatchError(
            f"The batch {batch.id} is still {batch.progress}, {why}.",
            "Cancel it; then the same command collects what it answered, and submits the rest again:\n"
            f'  curl -X POST {cancel} -H "Authorization: Bearer $OPENAI_API_KEY"',
        )
