"""Who may talk to the page: everything is refused that the person's own browser tab, or a program with the token, would
not send. It stands before the application, so that no answer and no error goes out without it.

Against DNS rebinding: names of this machine alone are answered. Against other sites: any method, any path, is refused
where the browser says that another site asks (`Sec-Fetch-Site`, `Origin`). Against other people of this machine: a
random token, which becomes a cookie (SameSite=Strict, HttpOnly), and beside the cookie a key that only the page holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from secrets import token_urlsafe
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST = 4 << 20
"""Bytes of a request's body."""

POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::[0-9]{1,5})?")
_LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}


@dataclass
class Keys:
    """What opens the page. `page` is in the page alone, and is asked for beside the cookie."""

    token: str = field(default_factory=lambda: token_urlsafe(32))
    session: str = field(default_factory=lambda: token_urlsafe(32))
    page: str = field(default_factory=lambda: token_urlsafe(32))
    _tickets: list[str] = field(default_factory=list)

    def ticket(self) -> str:
        """A token that opens the page once: what a browser is started with stands in the list of processes."""
        self._tickets.append(token_urlsafe(32))
        return self._tickets[-1]

    def opens(self, given: str) -> bool:
        used = [t for t in self._tickets if alike(given, t)]
        for ticket in used:
            self._tickets.remove(ticket)
        return bool(used) or alike(given, self.token)


@dataclass(frozen=True)
class Rules:
    """`names`: of this machine, beside those of loopback. `addresses`: any address may stand for it, where it listens
    to all (rebinding needs a name). `cookie` has the port in its name, for ports share their cookies."""

    keys: Keys
    cookie: str
    names: frozenset[str] = frozenset()
    addresses: bool = False

    def knows(self, host: str) -> bool:
        """Whether the Host header is a name of this machine."""
        found = _HOST.fullmatch(host.lower())
        if found is None:
            return False
        name = found[1]
        return name in _LOOPBACK | self.names or (self.addresses and _is_address(name.strip("[]")))


class Gate:
    """The application behind the rules."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":  # there are no web sockets here
            return await send({"type": "websocket.close", "code": 1008})
        opened = False

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if opened:
                    cookie = f"{self._rules.cookie}={self._rules.keys.session}; Path=/; HttpOnly; SameSite=Strict"
                    headers.append("set-cookie", cookie)
            await send(message)

        headers = Headers(scope=scope)
        refusal = self._foreign(scope, headers)
        if refusal is None:
            refusal, opened = self._unknown(scope, headers)
        if refusal is None and scope["method"] == "POST":
            body = await _body(headers, receive)
            if isinstance(body, Response):
                refusal = body
            else:
                receive = _again(body, receive)
        await (refusal or self._app)(scope, receive, guarded)

    def _foreign(self, scope: Scope, headers: Headers) -> Response | None:
        """A request that another site made, or that came by a name that is not this machine's."""
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or not self._rules.knows(hosts[0]):
            return _no(421, "This is not a name of this machine.")
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return _no(405, "Only GET, HEAD and POST.")
        own = {f"{scheme}://{hosts[0].lower()}" for scheme in ("http", "https")}
        if any(origin.lower() not in own for origin in origins):
            return _no(403, "Requests of other sites are refused.")
        site = headers.get("sec-fetch-site", "same-origin")
        if site != "same-origin" and (site != "none" or scope["method"] == "POST"):
            return _no(403, "Requests of other sites are refused. Type or paste the address into the browser.")
        return None

    def _unknown(self, scope: Scope, headers: Headers) -> tuple[Response | None, bool]:
        """A request without token, cookie or key; and whether it brought the token, so that it gets the cookie."""
        keys = self._rules.keys
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and alike(bearer.strip(), keys.token):
            return None, False
        if scope["path"] == "/" and (given := parse_qs(scope["query_string"].decode("latin-1")).get("token")):
            return (None, True) if keys.opens(given[0]) else (_closed(), False)
        if not alike(_cookies(headers).get(self._rules.cookie, ""), keys.session):
            return _closed(), False
        if scope["path"].startswith("/api/") and not alike(headers.get("x-ictc-key", ""), keys.page):
            return _closed(), False
        return None, False


def alike(given: str, known: str) -> bool:
    """In a time that says nothing about how much of it is right."""
    return compare_digest(given.encode("utf-8", "surrogateescape"), known.encode())


def _no(status: int, why: str) -> Response:
    return PlainTextResponse(why + "\n", status)


def _closed() -> Response:
    return _no(401, "Open the address that `ictc serve` printed; it has the token.")


def _cookies(headers: Headers) -> Mapping[str, str]:
    try:
        return {name: one.value for name, one in SimpleCookie(headers.get("cookie", "")).items()}
    except CookieError:
        return {}


async def _body(headers: Headers, receive: Receive) -> bytes | Response:
    """The whole body, if it is JSON and not too long."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return _no(415, "Only application/json.")
    declared = headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > MOST:
        return _no(413, f"At most {MOST:,} bytes.")
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return _no(400, "The request broke off.")
        body += message.get("body", b"")
        if len(body) > MOST:
            return _no(413, f"At most {MOST:,} bytes.")
        if not message.get("more_body"):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives the body that was read already."""
    read = False

    async def give() -> Message:
        nonlocal read
        if read:
            return await receive()
        read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return give


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
