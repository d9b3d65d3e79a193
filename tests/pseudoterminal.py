"""A program on a real pseudo-terminal: what it shows is read, what a person would type is typed."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from types import TracebackType

_ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*\x07|[=>()][A-Z0-9]?)")


class Terminal:
    """`with Terminal("refine", run) as t: t.type("?"); t.until("> ")`."""

    def __init__(self, *words: object, env: Mapping[str, str] | None = None) -> None:
        own, theirs = pty.openpty()
        command = [sys.executable, "-m", "ictc", *map(str, words)]
        settings = {**os.environ, "TERM": "xterm", "COLUMNS": "120", **(env or {})}
        self._fd = own
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=settings, start_new_session=True,
            preexec_fn=_controlling,
        )  # fmt: skip
        os.close(theirs)
        self._unread = ""
        self.raw = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._fd)

    def until(self, wanted: str, seconds: float = 60) -> str:
        """What was shown up to a text that matches the pattern, that text included; escape sequences are taken out."""
        end = time.monotonic() + seconds
        while not (found := re.search(wanted, self._unread)):
            if not select.select([self._fd], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"{wanted!r} did not come; there was: {self._unread[-2000:]}")
            if not (data := self._read()):
                raise AssertionError(f"{wanted!r} did not come before the end: {self._unread[-2000:]}")
            self._unread = _ESCAPES.sub("", self._unread + data)
        shown, self._unread = self._unread[: found.end()], self._unread[found.end() :]
        return shown

    def type(self, line: str) -> None:
        os.write(self._fd, line.encode() + b"\n")

    def press(self, key: bytes) -> None:
        """Such as b"\\x03", which is Ctrl-C, or b"\\x04", Ctrl-D."""
        os.write(self._fd, key)

    def ends(self, seconds: float = 30) -> int:
        """The exit code."""
        end = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < end:
            if select.select([self._fd], [], [], 0.1)[0]:
                self._unread += self._read()
        return self.process.wait(1)

    def _read(self) -> str:
        try:
            data = os.read(self._fd, 65536).decode(errors="replace")
        except OSError:  # the other end is closed
            return ""
        self.raw += data
        return data


def _controlling() -> None:
    """The terminal is that of the new session, so that Ctrl-C comes as a signal."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
