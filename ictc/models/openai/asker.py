"""The one retry policy: how a request is put to a server until there is an answer or no hope of one."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ictc.images import upload
from ictc.modeloptions import ModelOptions
from ictc.models.openai import wire
from ictc.models.openai.client import make_client, post
from ictc.models.openai.errors import Fault
from ictc.models.openai.pace import Rate, Slots
from ictc.models.openai.reach import Reach
from ictc.models.openai.spec import Server
from ictc.models.usage import Usage, starved
from ictc.types import GONE, Failure, Reply, Request

if TYPE_CHECKING:
    from openai import AsyncOpenAI

BASE_DELAY = 0.5  # seconds before the second try; doubled for every further one
_LONGEST_DELAY = 30.0
_LONGEST_WAIT = 300.0  # seconds; a server that asks for more (a day's limit) is not waited for
_PER_RETRY = 10  # rate limits that a request may meet per retry, as long as the server serves others


class Asker:
    """What was learned of the server stays here: its dialect, its pace, whether it is gone. Used on one event loop."""

    def __init__(self, server: Server, options: ModelOptions, base_delay: float = BASE_DELAY) -> None:
        self.server = server
        self.options = options
        self.gone: Failure | None = None
        self.slots = Slots(options.concurrency)
        self.dialect = wire.Dialect(newer=server.is_openai)
        self._base_delay = base_delay
        self._requests = Rate(options.rpm, time.monotonic)
        self._tokens = Rate(options.tpm, time.monotonic)
        self._reach = Reach(time.monotonic)
        self._resume = 0.0  # monotonic time until which the server wants to hear nothing
        self._served = 0
        self._end = asyncio.Event()
        self._client: AsyncOpenAI | None = None
        self._decoders: ThreadPoolExecutor | None = None

    async def answer(self, request: Request, usage: Usage, allow: Callable[[int], bool]) -> Reply | Failure:
        """Never raises for what a server or an image does.

        Fills `usage`. `allow` is asked before a try may take so many tokens more than the request's own.
        """
        if self.gone:
            return replace(self.gone, stage=request.stage)
        picture: str | None = None
        if request.image is not None:
            if self._decoders is None:
                self._decoders = ThreadPoolExecutor(os.cpu_count(), "ictc-decode")
            item, side = request.image, self.options.image_side
            made = await asyncio.get_running_loop().run_in_executor(self._decoders, upload.data_url, item, side)
            if isinstance(made, Failure):
                return replace(made, image="")
            picture = made
        return await self._until_answered(request, picture, usage, allow)

    async def _until_answered(
        self, request: Request, picture: str | None, usage: Usage, allow: Callable[[int], bool]
    ) -> Reply | Failure:
        schema, tries, limited, allowed = True, 0, 0, 0
        answers_before = self._reach.answers
        while True:
            room, served = self.dialect.room, self._served
            if room > allowed and not allow(room):
                usage.starved = True
                return starved(request)
            allowed = max(allowed, room)
            body = wire.body(request, self.server.model, self.dialect, picture=picture, schema=schema)
            result = await self._try(body, wire.tokens_estimate(request, room))
            usage.sent |= isinstance(result, Reply) or (result.sent and result.code not in GONE)
            usage.input_tokens += result.input_tokens
            usage.output_tokens += result.output_tokens
            if self.gone and not isinstance(result, Reply):
                return replace(self.gone, stage=request.stage)
            if isinstance(result, Reply):
                return replace(result, text=self.server.clean_answer(result.text))
            refused = result.refused & wire.parameters(body)
            if refused and result.once:
                schema = schema and "schema" not in refused
                continue
            if refused:
                self.dialect.refused |= refused
                continue
            if result.code == "truncated" and self.dialect.make_room(room):
                continue
            if result.code == "context-overflow" and room:
                self.dialect.take_room_back()
                continue
            if result.wait is not None and result.wait > _LONGEST_WAIT:
                return self._given_up(result, request, answers_before)
            if result.code == "rate-limited" and self._served != served and limited < _PER_RETRY * self.options.retries:
                limited += 1
            elif not result.again or tries >= self.options.retries:
                return self._given_up(result, request, answers_before)
            else:
                tries += 1
            await self._pause(self._delay(tries + limited, result.wait))

    async def _try(self, body: dict[str, Any], tokens: int) -> Reply | Fault:
        taken = await self.slots.take()
        try:
            if held_up := await self._admitted(tokens):
                return held_up
            if self._client is None:
                self._client = make_client(self.server, self.options.concurrency, self.options.timeout)
            result = await post(self._client, body, self.options.timeout)
            self._note(result, taken, tokens)
            return result
        finally:
            self.slots.free()

    async def _admitted(self, tokens: int) -> Fault | None:
        """Wait until the limits a minute and the server itself allow another request; a fault where that is too long.

        Being held up by the model's end is one too; `_until_answered` looks at `gone` first.
        """
        await self._pause(max(self._requests.reserve(1), self._tokens.reserve(tokens)))
        while not self.gone and (left := self._resume - time.monotonic()) > 0:
            if left > _LONGEST_WAIT:
                return Fault(
                    "rate-limited", f"The server asks to wait {left:.0f} seconds.", again=True, wait=left, sent=False
                )
            await self._pause(left)
        return Fault("unreachable", "The model is gone.", sent=False) if self.gone else None

    def _note(self, result: Reply | Fault, taken: int, tokens: int) -> None:
        """What this try teaches about the server."""
        if isinstance(result, Reply):
            self._served += 1
            self._reach.answered()
            self.slots.served()
            if used := result.input_tokens + result.output_tokens:
                self._tokens.correct(used - tokens)
            return
        if result.crowded:
            self.slots.crowded(taken)
        if result.code == "rate-limited" and result.wait:
            self._resume = max(self._resume, time.monotonic() + result.wait)
        if result.answered:
            self._reach.answered()
        elif result.code == "unreachable" and self._reach.silent():
            self._finish(result)
        if result.answered and result.code in GONE:
            self._finish(result)

    def _given_up(self, fault: Fault, request: Request, answers_before: int) -> Failure:
        if not fault.answered and self._reach.gave_up(answers_before, refused=fault.code == "unreachable"):
            self._finish(replace(fault, code="unreachable"))
        if self.gone:
            return replace(self.gone, stage=request.stage)
        code = "server-error" if fault.code in ("dropped", "unreachable") else fault.code
        return Failure("", request.stage, code, self.server.clean(fault.message), retryable=fault.again)

    def _finish(self, fault: Fault) -> None:
        """The model answers nothing more, and whoever waits to ask it is told now."""
        if self.gone is None:
            message = f"{self.server.model} at {self.server.base_url}: {self.server.clean(fault.message)}"
            self.gone = Failure("", "label", fault.code, message, retryable=fault.code == "unreachable")
            self._end.set()

    def stop(self) -> None:
        """Nothing is sent any more; answers that are on their way are still given."""
        self._finish(Fault("unreachable", "interrupted", sent=False))

    def _delay(self, tries: int, asked: float | None) -> float:
        jitter = random.uniform(0.5, 1.0)  # noqa: S311 (spreads requests, guards nothing)
        if asked is not None:
            return asked + self._base_delay * (jitter - 0.5)
        return min(_LONGEST_DELAY, self._base_delay * 2.0 ** min(tries - 1, 16)) * jitter

    async def _pause(self, seconds: float) -> None:
        if seconds > 0 and not self.gone:
            try:
                await asyncio.wait_for(self._end.wait(), seconds)
            except TimeoutError:
                return

    async def close(self) -> None:
        """End the connections; another loop may go on with what was learned."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()
        if self._decoders is not None:
            self._decoders.shutdown(wait=False, cancel_futures=True)
            self._decoders = None
        ended, self._end = self._end, asyncio.Event()
        if ended.is_set():
            self._end.set()
