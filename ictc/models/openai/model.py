"""The model: requests drawn one by one from the caller, put to the server side by side, answers as they come."""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue

from ictc.images import upload
from ictc.modeloptions import ModelOptions
from ictc.models.openai.asker import BASE_DELAY, Asker
from ictc.models.openai.background import Background
from ictc.models.openai.spec import OPENAI, Server
from ictc.models.openai.wire import Dialect
from ictc.models.usage import Allow, Usage, Used, freely
from ictc.stopping import GRACE, stoppable
from ictc.types import Failure, Reply, Request

_Answers = SimpleQueue[tuple[int, Reply | Failure | Exception, Usage] | None]  # None wakes who waits

_CLOSED = "The model was closed while it was asked."


class OpenAIModel:
    """Implements `Model` for chat completions.

    A request is sent only while fewer than `options.concurrency` are sent but not yet passed on: an answer that waits
    for its caller counts like one under way, so a kill never loses more than that. Closing the generator (leaving the
    loop over it, Ctrl-C, an exception) cancels everything under way.
    """

    def __init__(self, server: Server, options: ModelOptions, base_delay: float = BASE_DELAY) -> None:
        self.server = server
        self.options = options
        self._asker = Asker(server, options, base_delay)
        self._background: Background | None = None
        self._starting = threading.Lock()
        if why := _unusable(server):
            self._asker.gone = Failure("", "label", "unauthorized", why)

    @property
    def fingerprint(self) -> str:
        return f"{self.text_fingerprint}|{upload.VERSION}:{self.options.image_side}"

    @property
    def text_fingerprint(self) -> str:
        return f"openai/1:{self.server.model}@{self.server.base_url}"

    @property
    def gone(self) -> Failure | None:
        """Why this model answers nothing more, once it does not."""
        return self._asker.gone

    @property
    def dialect(self) -> Dialect:
        """What the server was found to take."""
        return self._asker.dialect

    def __repr__(self) -> str:
        return f"OpenAIModel({self.server!r})"

    @property
    def room(self) -> int:
        """Tokens that are added to a request's own, for a model that thinks before it speaks."""
        return self.dialect.room

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply | Failure]]:
        with closing(self.accounted(requests)) as answers:
            for number, answer, _ in answers:
                yield number, answer

    def accounted(self, requests: Iterable[Request], allow: Allow = freely) -> Generator[Used, None, None]:
        """As `generate`, with what each request took; see `ictc.models.usage`."""
        numbered = enumerate(requests)
        answers: _Answers = SimpleQueue()
        tasks: set[asyncio.Task[None]] = set()
        background = self._started()
        under_way, more, last = 0, True, _Last()

        def stop() -> int:
            last.until = time.monotonic() + GRACE
            background.soon(self._asker.stop)
            answers.put(None)
            return under_way

        try:
            with stoppable(stop):
                while under_way or (more and last.until is None):
                    while more and under_way < self._asker.slots.most and not self._asker.gone and last.until is None:
                        if (drawn := next(numbered, None)) is None:
                            more = False
                        else:
                            if not background.soon(self._begin, *drawn, answers, tasks, allow):
                                raise RuntimeError(_CLOSED)
                            under_way += 1
                    if under_way:
                        if (got := last.of(answers)) is None:
                            continue
                        under_way -= 1
                        number, answer, usage = got
                        if isinstance(answer, Exception):
                            raise answer
                        if last.until is None or isinstance(answer, Reply):
                            yield number, answer, usage
                    elif more and self._asker.gone:
                        more = False
                        for number, request in numbered:
                            yield number, replace(self._asker.gone, stage=request.stage), Usage()
                if last.until is not None:
                    raise KeyboardInterrupt
        finally:
            if under_way:
                _cancel(background, tasks)

    def close(self) -> None:
        """Cancel what is under way and close the connections. The next `generate` opens new ones."""
        with self._starting:
            if self._background is not None:
                self._background = None
                self._end()

    def _started(self) -> Background:
        with self._starting:
            if self._background is None:
                self._background = Background()
                self._end = weakref.finalize(self, self._background.stop, self._asker.close)
            return self._background

    def _begin(
        self, number: int, request: Request, answers: _Answers, tasks: set[asyncio.Task[None]], allow: Allow
    ) -> None:
        task = asyncio.get_running_loop().create_task(_answer(self._asker, number, request, answers, allow))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


_LOOK = 0.2
"""Seconds: Python runs signal handlers between instructions, and one that comes just before a wait would wait too."""


@dataclass(slots=True)
class _Last:
    """Until when answers are taken, once a person wants to end."""

    until: float | None = None

    def of(self, answers: _Answers) -> tuple[int, Reply | Failure | Exception, Usage] | None:
        """The next answer; None where it is to be looked what has changed.

        Raises:
            KeyboardInterrupt: the time is over.
        """
        left = _LOOK if self.until is None else min(_LOOK, max(0.0, self.until - time.monotonic()))
        try:
            return answers.get(timeout=left)
        except Empty:
            if self.until is not None and time.monotonic() >= self.until:
                raise KeyboardInterrupt from None
            return None


async def _answer(asker: Asker, number: int, request: Request, answers: _Answers, allow: Allow) -> None:
    usage = Usage()
    try:
        answer = await asker.answer(request, usage, lambda room: allow(number, usage, room))
        answers.put((number, answer, usage))
    except asyncio.CancelledError:
        answers.put((number, RuntimeError(_CLOSED), usage))  # read only by whoever did not cancel it
        raise
    except Exception as error:  # a fault of this program: raised where the answers are read
        answers.put((number, error, usage))


def _cancel(background: Background, tasks: set[asyncio.Task[None]]) -> None:
    """Cancel the tasks, and wait until their connections are closed (not for ever)."""
    ended = threading.Event()

    async def end() -> None:
        doomed = list(tasks)
        for task in doomed:
            task.cancel()
        await asyncio.gather(*doomed, return_exceptions=True)
        ended.set()

    if background.soon(lambda: asyncio.ensure_future(end())):
        ended.wait(5)


def _unusable(server: Server) -> str:
    """Why no server needs to be asked, "" where one can be."""
    if server.base_url == OPENAI and not server.key:
        return "OPENAI_API_KEY is not set. Set it, or name another server: openai:MODEL@http://127.0.0.1:8000/v1"
    if not (server.key.isascii() and (server.key.isprintable() or not server.key)):
        return "OPENAI_API_KEY holds characters that no key has."
    return ""
