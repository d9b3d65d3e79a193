"""How a command ends before it is done: Ctrl-C, SIGTERM, or nobody reads its output any more.

Loads next to nothing: it is there before the libraries are, whose loading takes most of a second.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from ictc.errors import EXIT_INTERRUPTED, EXIT_TERMINATED, EXIT_UNREAD
from ictc.stopping import GRACE, stop_soon
from ictc.text import command_line

_TRUE = {"1", "true", "t", "yes", "y", "on"}


class Terminated(KeyboardInterrupt):
    """SIGTERM, as what every part already cleans up after."""


def wants_json(words: Sequence[str], environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the words of a command or the environment say --json."""
    return "--json" in words or environment.get("ICTC_JSON", "").lower() in _TRUE


def ended_json(exit_code: int = EXIT_INTERRUPTED) -> dict[str, Any]:
    """How an interruption stands in JSON."""
    hint = f"What was computed is kept; go on with: {command_line(*sys.argv[1:])}"
    return {"error": "Interrupted.", "hint": hint, "exit": exit_code}


def ended_text() -> str:
    return f"\nInterrupted. What was computed is kept; go on with:\n  {command_line(*sys.argv[1:])}"


def exit_code_of(interrupt: KeyboardInterrupt) -> int:
    return EXIT_TERMINATED if isinstance(interrupt, Terminated) else EXIT_INTERRUPTED


def quit_while_loading() -> None:
    """From here on, and wherever `heard` is not in force, Ctrl-C ends the process at once and says so.

    A KeyboardInterrupt would come up in the middle of some library that is being loaded, which may not let it pass.
    """

    def leave(_number: int, _frame: FrameType | None) -> NoReturn:
        with suppress(OSError):
            if wants_json(sys.argv[1:]):
                os.write(1, (json.dumps(ended_json()) + "\n").encode())
            os.write(2, (ended_text() + "\n").encode(errors="replace"))
        os._exit(EXIT_INTERRUPTED)

    if _may_interrupt():
        signal.signal(signal.SIGINT, leave)


def _may_interrupt() -> bool:
    return signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, None)


@contextmanager
def heard(say: Callable[[str], None]) -> Iterator[None]:
    """Ctrl-C becomes a KeyboardInterrupt, once answers that are paid for had a chance to come (`ictc.stopping`); a
    second one does at once, and so does SIGTERM."""
    asked = False

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        under_way = not asked and stop_soon()
        asked = True
        if not under_way:
            raise KeyboardInterrupt
        with suppress(RuntimeError):  # it came in the middle of printing
            say(f"\nAnswers under way are waited for, {GRACE:.0f} s at most. Ctrl-C again ends at once.")

    def terminated(_number: int, _frame: FrameType | None) -> NoReturn:
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, terminated)}
    if _may_interrupt():
        before[signal.SIGINT] = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Output(io.TextIOWrapper):
    """A standard stream that ends the command quietly when its reader went away, with the code of a program that died
    of SIGPIPE. (The signal itself would also come from connections that a server dropped.)"""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except BrokenPipeError:
            self._unread()

    def flush(self) -> None:
        try:
            super().flush()
        except BrokenPipeError:
            self._unread()

    def _unread(self) -> NoReturn:
        discard(self)
        raise SystemExit(EXIT_UNREAD) from None


def guard_streams() -> None:
    """Standard output and standard error become `Output`, in which what cannot be encoded is replaced; one that is
    closed takes everything and shows nothing."""
    for name, errors in (("stdout", "replace"), ("stderr", "backslashreplace")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 (until the process ends)
        elif isinstance(stream, io.TextIOWrapper):
            guarded = Output(stream.buffer, stream.encoding, errors, line_buffering=stream.line_buffering)
            setattr(sys, name, guarded)


def discard(stream: Any) -> None:
    """What a stream still holds goes nowhere, so that no second error comes when Python ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
