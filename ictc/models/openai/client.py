"""One try: a body to the server, a reply or a fault back. The SDK's exceptions end here."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from ictc.models.openai.errors import Fault, from_status
from ictc.models.openai.spec import Server
from ictc.models.openai.wire import parsed
from ictc.types import Reply

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_CONNECT = 5.0  # seconds
NO_KEY = "none"  # the SDK insists on one; local servers read it not


def make_client(server: Server, concurrency: int, timeout: float) -> AsyncOpenAI:
    """The SDK's client without its retries. To be made and closed on the event loop that uses it."""
    import httpx2
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient

    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=concurrency)
    times = httpx2.Timeout(timeout, connect=min(_CONNECT, timeout), pool=None)
    return AsyncOpenAI(
        api_key=server.key or NO_KEY,
        base_url=server.base_url,
        max_retries=0,
        timeout=times,
        http_client=DefaultAsyncHttpxClient(limits=limits, timeout=times, follow_redirects=False),
    )


async def post(client: AsyncOpenAI, body: dict[str, Any], timeout: float) -> Reply | Fault:
    """`timeout`: seconds for the whole of it (the SDK's own starts anew with every byte).

    The answer is taken as it came and read by `wire.parsed`: the SDK's models cost half of its time and check nothing.
    """
    import httpx2
    import openai

    try:
        async with asyncio.timeout(timeout):
            response = await client.post("/chat/completions", cast_to=httpx2.Response, body=body)
    except openai.APIStatusError as error:
        return from_status(error.status_code, error.body, error.response.headers)
    except openai.APIConnectionError as error:
        return _unconnected(error.__cause__, timeout)
    except TimeoutError:
        return _late(timeout)
    try:
        payload = json.loads(response.content)
    except (ValueError, RecursionError):
        return Fault("malformed-reply", "The server's answer is no JSON, or was cut off.", again=True)
    return parsed(payload)


def _unconnected(cause: BaseException | None, timeout: float) -> Fault:
    import httpx2

    if isinstance(cause, (httpx2.ConnectError, httpx2.ConnectTimeout)):
        why = str(cause) or "no connection within the time limit"
        return Fault("unreachable", f"No connection: {why}", again=True, answered=False, sent=False)
    if isinstance(cause, httpx2.TimeoutException):
        return _late(timeout)
    return Fault(
        "dropped", f"The connection was dropped ({cause or type(cause).__name__}).", again=True, answered=False
    )


def _late(timeout: float) -> Fault:
    return Fault("timeout", f"No answer within {timeout:g} seconds.", again=True, crowded=True, answered=False)
