"""What the CLI prints: results on standard output, everything else on standard error."""

from __future__ import annotations

import functools
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import EDQUOT, ENOSPC
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from ictc.cli.ending import discard, ended_json, ended_text, exit_code_of, heard
from ictc.errors import IctcError, StorageFull, Told
from ictc.text import printable

if TYPE_CHECKING:
    from ictc.interfaces import Tick
    from ictc.progress import Watch
    from ictc.spending.meter import Meter

P = ParamSpec("P")
R = TypeVar("R")


def out() -> Console:
    """Standard output. Made anew for each use, so that redirection is respected; NO_COLOR is rich's own matter."""
    return Console(soft_wrap=True, highlight=False, emoji=False)


def err() -> Console:
    """Standard error."""
    return Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)


def plain(text: str) -> Text:
    """Text that others may have written, as it is: no markup, nothing that a terminal acts on; line breaks stay."""
    return Text("\n".join(printable(line) for line in text.split("\n")))


def show_line(line: str) -> None:
    """One line of a result, whatever is in it, on standard output."""
    out().print(Text(printable(line)))


def say(message: str) -> None:
    """A message to the person, on standard error."""
    err().print(plain(message))


def print_json(value: dict[str, Any]) -> None:
    """One JSON object on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=True, allow_nan=False) + "\n")
    sys.stdout.flush()


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Errors become one message and an exit code; Ctrl-C and SIGTERM say how to go on. The signature is kept."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        as_json = bool(kwargs.get("json_output"))
        try:
            with heard(say), _told():
                done = command(*args, **kwargs)
            sys.stdout.flush()  # a full disk shows here, not while Python ends
            return done
        except KeyboardInterrupt as e:
            if as_json:
                _print_error(ended_json(exit_code_of(e)))
            say(ended_text())
            raise typer.Exit(exit_code_of(e)) from None
        except IctcError as e:
            fail(e, as_json)
        except OSError as e:
            if e.errno not in (ENOSPC, EDQUOT):
                raise
            try:
                sys.stdout.flush()
            except OSError:  # it is standard output that is full
                discard(sys.stdout)
            fail(StorageFull(f"The disk is full ({e}).", "Free some space and run the same command again."), as_json)

    return run


@contextmanager
def _told() -> Iterator[None]:
    """Warnings of our own are said without the line of code that they come from."""
    before = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, Told):
            say(str(message))
        else:
            before(message, category, *where, **more)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = before


def fail(error: IctcError, as_json: bool) -> NoReturn:
    """The error for the person, on standard error, and with `as_json` for programs too; then its exit code."""
    if as_json:
        _print_error(error_json(error))
    err().print(Text("Error:", "bold red"), plain(error.message))
    if error.hint:
        say(error.hint)
    raise typer.Exit(error.exit_code)


def _print_error(value: dict[str, Any]) -> None:
    try:
        print_json(value)
    except OSError:
        discard(sys.stdout)


def error_json(error: IctcError) -> dict[str, Any]:
    """How an error stands in JSON."""
    return {"error": error.message, "hint": error.hint, "exit": error.exit_code}


class _Rate(ProgressColumn):
    """Items per second."""

    def render(self, task: Task) -> Text:
        return Text(_rate(task.speed) if task.speed else "", style="dim")


def _rate(speed: float) -> str:
    return f"{speed:,.0f}/s" if speed >= 1 else f"{1 / speed:,.1f} s each"


class _Spent(ProgressColumn):
    """What models have taken so far."""

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter

    def render(self, task: Task) -> Text:
        return Text(_spent(self._meter), style="dim")


def _spent(meter: Meter | None) -> str:
    return meter.line() if meter is not None and meter.to_json()["requests"] else ""


def watching(meter: Meter | None = None) -> Watch:
    """A watch that draws a progress bar with rate, time left and what was spent; one line per stage elsewhere."""

    @contextmanager
    def watch(stage: str, total: int) -> Iterator[Tick]:
        console = err()
        columns: list[ProgressColumn] = [
            TextColumn("{task.description:>8}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
        ]
        if meter is not None:
            columns.append(_Spent(meter))
        start = time.perf_counter()
        with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
            task = bars.add_task(stage, total=total)
            yield lambda done: bars.advance(task, done)
            bars.update(task, completed=total)
        if not console.is_terminal:
            seconds = time.perf_counter() - start
            rate = f", {_rate(total / seconds)}" if seconds > 0.05 and total else ""
            spent = _spent(meter)
            say(f"{stage}: {total} in {seconds:.1f} s{rate}{f'; so far {spent}' if spent else ''}")

    return watch


watch = watching()
