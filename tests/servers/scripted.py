"""A real HTTP server whose behaviour is scripted: chat completions, models, files and batches, on loopback.

In a test (its own thread and event loop; any client, any number of connections):

    with ScriptedServer() as server:                       # answers "ok" to everything
        server.then(rate_limited("Retry-After", "1"), hang())     # what the next requests get, then as before
        ... openai:any@{server.url} ...
        assert server.count == 3 and server.most_at_once == 1
        assert server.bodies[0]["messages"][0]["content"] == "..."

`respond(body)` answers by a function of the request's JSON: a `str` (the content), a `dict` (a whole JSON body) or a
`Scripted` (anything at all). `latency` is in seconds; `allowed` requests are worked on at once, further ones wait, or
get a 429 with `busy="refuse"`; with `heeds=False` it goes on with those that their client gave up. `key`: the only key
that is let in. What can be scripted is in `tests.servers.answers`. As a process, with a line per request in a file:

    python -m tests.servers.scripted --port 8000 --latency-ms 250 --allowed 64 --log FILE
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from types import TracebackType
from typing import TextIO

from tests.servers.answers import UNAUTHORIZED, Body, Scripted, rate_limited
from tests.servers.batches import Batches

Respond = Callable[[Body], "str | Body | Scripted"]


class ScriptedServer:
    """Started by `with`. Counters and lists may be read at any time."""

    def __init__(
        self,
        respond: Respond | None = None,
        *,
        latency: float = 0.0,
        allowed: int | None = None,
        busy: str = "wait",
        heeds: bool = True,
        key: str | None = None,
        keep: bool = True,
        log: TextIO | None = None,
        port: int = 0,
    ) -> None:
        self.respond: Respond = respond or (lambda _: "ok")
        self.latency = latency
        self.key = key
        self.unauthorized = UNAUTHORIZED  # what any other key gets
        self.count = 0
        self.at_once = 0
        self.most_at_once = 0
        self.bodies: list[Body] = []
        self.times: list[float] = []
        self.keys_seen: set[str] = set()
        self.dropped_by_client = 0
        self.connections: set[_Connection] = set()
        self.batches = Batches(self.answer)
        self._allowed = allowed
        self._refuse = busy == "refuse"
        self.heeds = heeds
        self._keep = keep
        self._log = log
        self._port = port
        self._next: deque[Scripted | str] = deque()
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._gate: asyncio.Semaphore | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    def then(self, *answers: Scripted | str) -> None:
        """What the next chat completions get, one each, before `respond` is asked again."""
        self._next.extend(answers)

    def __enter__(self) -> ScriptedServer:
        asyncio.run_coroutine_threadsafe(self._start(), self._spun()).result(10)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)

    def run(self, ready: Callable[[], object]) -> None:
        """Serve until killed, in this thread."""
        self._loop.run_until_complete(self._start())
        ready()
        self._loop.run_forever()

    def _spun(self) -> asyncio.AbstractEventLoop:
        threading.Thread(target=self._loop.run_forever, name="scripted-server", daemon=True).start()
        return self._loop

    async def _start(self) -> None:
        self._gate = asyncio.Semaphore(self._allowed) if self._allowed else None
        made = await self._loop.create_server(lambda: _Connection(self), "127.0.0.1", self._port, backlog=4096)
        self._server, self._port = made, made.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for connection in list(self.connections):
            connection.drop()
        await asyncio.sleep(0)

    async def handle(self, verb: str, path: str, headers: Mapping[str, str], content: bytes) -> tuple[Scripted, Body]:
        """The answer to one request, and the request."""
        key = headers.get("authorization", "").removeprefix("Bearer ")
        self.keys_seen.add(key)
        if self.key is not None and key != self.key:
            return self.unauthorized, {}
        if not path.endswith("/chat/completions"):
            return self.batches.route(verb, path, headers, content), {}
        asked: Body = json.loads(content)
        self.count += 1
        if self._keep:
            self.bodies.append(asked)
            self.times.append(time.monotonic())
        if self._log:
            self._log.write(f"{time.time():.4f} {hashlib.sha256(content).hexdigest()[:16]}\n")
            self._log.flush()
        if self._gate is not None and self._refuse and self._gate.locked():
            return rate_limited(), asked
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self._gate is None:
                return await self._worked(asked), asked
            async with self._gate:
                return await self._worked(asked), asked
        finally:
            self.at_once -= 1

    async def _worked(self, asked: Body) -> Scripted:
        if self.latency:
            await asyncio.sleep(self.latency)
        answer = self.answer(asked)
        if answer.delay:
            await asyncio.sleep(answer.delay)
        return answer

    def answer(self, asked: Body) -> Scripted:
        """What a chat completion gets: the next of the script, or what `respond` says."""
        made = self._next.popleft() if self._next else self.respond(asked)
        if isinstance(made, str):
            return Scripted(made)
        return Scripted(body=made) if isinstance(made, dict) else made


class _Connection(asyncio.Protocol):
    """HTTP/1.1 as far as JSON clients speak it: one request after another, bodies with a Content-Length."""

    def __init__(self, server: ScriptedServer) -> None:
        self._server = server
        self._got = bytearray()
        self._work: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        if self._work is not None and not self._work.done():
            self._server.dropped_by_client += 1
            if self._server.heeds:
                self._work.cancel()

    def drop(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._got += data
        end = self._got.find(b"\r\n\r\n")
        if end < 0:
            return
        first, *rest = self._got[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        size = end + 4 + int(headers.get("content-length", 0))
        if len(self._got) < size:
            return
        content = bytes(self._got[end + 4 : size])
        del self._got[:size]
        verb, path, _ = first.split(" ", 2)
        self._work = asyncio.get_running_loop().create_task(self._exchange(verb, path, headers, content))

    async def _exchange(self, verb: str, path: str, headers: Mapping[str, str], content: bytes) -> None:
        answer, asked = await self._server.handle(verb, path, headers, content)
        payload = answer.payload(asked)
        sent = {"Content-Type": "application/json", "Content-Length": str(len(payload)), **answer.headers}
        head = f"HTTP/1.1 {answer.status} Scripted\r\n" + "".join(f"{k}: {v}\r\n" for k, v in sent.items()) + "\r\n"
        if answer.trickle:
            self._transport.write(head.encode("latin-1"))
            for byte in payload:
                self._transport.write(bytes([byte]))
                await asyncio.sleep(answer.trickle)
        elif answer.cut is None:
            self._transport.write(head.encode("latin-1") + payload)
        else:
            if answer.cut:
                self._transport.write(head.encode("latin-1") + payload[: answer.cut])
            self._transport.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="A scripted OpenAI-compatible server on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0: any; the URL is printed")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--allowed", type=int, default=None, help="requests worked on at once")
    parser.add_argument("--busy", choices=["wait", "refuse"], default="wait", help="what happens to further ones")
    parser.add_argument("--log", type=Path, default=None, help="a line per chat completion: time, digest of its body")
    options = parser.parse_args()
    with options.log.open("a") if options.log else nullcontext() as log:
        server = ScriptedServer(
            latency=options.latency_ms / 1000,
            allowed=options.allowed,
            busy=options.busy,
            keep=False,
            log=log,
            port=options.port,
        )
        server.run(lambda: print(server.url, flush=True))


if __name__ == "__main__":
    main()
