"""The socket, the server's thread, and the loop of the main thread that does the work."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from ipaddress import ip_address

import uvicorn

from ictc.errors import UsageError
from ictc.serving.actions import By
from ictc.serving.app import Site, application
from ictc.serving.jobs import Jobs
from ictc.serving.security import Gate, Keys, Rules

_SHORTEST = 16  # characters of a token of the person's own


class Server:
    """A run that is served from `host` and `port` (0: any free one) on. The socket is there at once.

    Raises:
        UsageError: another machine could reach it and there is no token, or the address cannot be had.
        RunError: the run cannot be used.
    """

    def __init__(
        self,
        by: By,
        host: str,
        port: int,
        token: str,
        told: Callable[[str], None],
        around: Callable[[], AbstractContextManager[None]],
    ) -> None:
        family, address = _address(host, port)
        self.open_to_all = not ip_address(address).is_loopback
        if self.open_to_all and not token:
            raise UsageError(
                f"{host} can be reached from other machines, and whoever has the token can see and change the run.",
                "Give a token of your own: ICTC_TOKEN or --token. Or leave --host out, and forward the port: ssh -L.",
            )
        if token and (len(token) < _SHORTEST or not token.isascii() or not token.isprintable() or " " in token):
            raise UsageError(
                f"A token has at least {_SHORTEST} characters, ASCII and without blanks.",
                "For example: python -c 'import secrets; print(secrets.token_urlsafe())'",
            )
        keys = Keys(token) if token else Keys()
        self.site = Site(by, keys, Jobs(around), told)
        self._socket = _bound(family, address, port)
        self.port: int = self._socket.getsockname()[1]
        own = host.lower() if not _is_address(host) else f"[{host}]" if ":" in host else host
        names = frozenset({own, socket.gethostname().lower()} if self.open_to_all else {own})
        rules = Rules(keys, f"ictc_{self.port}", names, addresses=ip_address(address).is_unspecified)
        self.address = f"http://{socket.gethostname() if rules.addresses else own}:{self.port}/"
        config = uvicorn.Config(
            Gate(application(self.site), rules),
            log_level="error",
            access_log=False,  # addresses have the token in them
            server_header=False,
            lifespan="off",
            ws="none",
            proxy_headers=False,
            limit_concurrency=200,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)

    def url(self, token: str = "") -> str:
        return f"{self.address}?token={token or self.site.keys.token}"

    def serve(self) -> None:
        """Until it is interrupted: raises KeyboardInterrupt. What is under way then is stopped before."""
        thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        thread.start()
        try:
            self.site.jobs.work(thread.is_alive)
        finally:
            self._server.should_exit = True
            thread.join(5)


def _address(host: str, port: int) -> tuple[socket.AddressFamily, str]:
    """The family and the numeric address of a host. A name must be of this machine alone to count as loopback."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as e:
        raise UsageError(f"There is no address for --host {host}.", "Leave it out, or give --host 127.0.0.1.") from e
    family, _, _, _, (address, *_) = sorted(found, key=lambda f: f[0] != socket.AF_INET)[0]
    return family, str(address)


def _bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    try:
        return socket.create_server((address, port), family=family, backlog=128)
    except OSError as e:
        raise UsageError(
            f"Port {port} of {address} cannot be used: {e.strerror or e}.", "Another one, or any free one: --port 0"
        ) from e


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
