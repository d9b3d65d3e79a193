"""What changes or reads the run's store is done one at a time, in the order it was asked for, by the thread that waits
in `Jobs.work`: the main one, so that Ctrl-C ends work as it does in every other command."""

from __future__ import annotations

import logging
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from ictc.errors import IctcError
from ictc.interfaces import Tick
from ictc.progress import Watch
from ictc.text import printable

Kind = Literal["page", "plan", "apply", "suggest", "undo", "accept"]
State = Literal["waiting", "running", "done", "failed", "stopped"]
Work = Callable[[Watch], dict[str, Any]]

_KEPT = 64


@dataclass
class Job:
    """One piece of work and how far it is. `title`: for a person; `again`: the command that does the same."""

    id: int
    kind: Kind
    title: str
    work: Work
    again: str = ""
    state: State = "waiting"
    stages: list[dict[str, Any]] = field(default_factory=list)
    result: dict[str, Any] | None = None
    error: dict[str, str] | None = None

    @property
    def over(self) -> bool:
        return self.state in ("done", "failed", "stopped")

    def to_json(self) -> dict[str, Any]:
        told = ("id", "kind", "title", "state", "stages", "result", "error")
        return {name: getattr(self, name) for name in told}

    @contextmanager
    def watch(self, stage: str, total: int) -> Iterator[Tick]:
        row: dict[str, Any] = {"stage": stage, "total": total, "done": 0}
        self.stages.append(row)

        def tick(more: int) -> None:
            row["done"] = min(total, row["done"] + more)

        yield tick
        row["done"] = total


def told(error: IctcError) -> dict[str, str]:
    """The error for a page, which would draw what turns the direction of text around."""
    return {"error": printable(error.message), "hint": printable(error.hint)}


class Busy(IctcError):
    """Something else is being done already."""


class Jobs:
    """`around`: what every job is done within (Ctrl-C is heard there)."""

    def __init__(self, around: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        self._queue: queue.Queue[Job] = queue.Queue()
        self._known: dict[int, Job] = {}
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._around = around
        self._stopping = False
        self._worker: int | None = None

    @property
    def now(self) -> Job | None:
        """What is being done or waits to be."""
        return next((j for j in list(self._known.values()) if not j.over), None)

    @property
    def stopped(self) -> Job | None:
        """The change that was being made when the person ended it."""
        last = next(reversed(list(self._known.values())), None)
        return last if last and last.again and last.state == "stopped" else None

    def find(self, number: int) -> Job | None:
        return self._known.get(number)

    def put(self, kind: Kind, title: str, work: Work, again: str = "") -> Job:
        """Raises Busy: one thing at a time; but what a person asks for may wait for the page to be made."""
        with self._lock:
            if found := next((j for j in self._known.values() if not j.over and j.kind != "page"), None):
                raise Busy(f"“{found.title}” is still being done.", "Wait until it is, or stop it.")
            job = Job(next(self._numbers), kind, title, work, again)
            self._known[job.id] = job
            for old in list(self._known)[:-_KEPT]:
                del self._known[old]
            self._queue.put(job)
            return job

    def stop(self) -> bool:
        """Interrupts what is being done, as Ctrl-C would; False where nothing is, or it cannot be interrupted."""
        running = self.now
        deaf = signal.getsignal(signal.SIGINT) in (signal.SIG_IGN, None)
        if running is None or running.state != "running" or self._worker is None or deaf:
            return False
        for job in self._known.values():
            if job.state == "waiting":
                self._stop(job)
        self._stopping = True
        signal.pthread_kill(self._worker, signal.SIGINT)
        return True

    def work(self, alive: Callable[[], bool]) -> None:
        """Does jobs for as long as `alive`. Raises KeyboardInterrupt: the person wants to end; the job under way, if
        any, is `stopped`."""
        self._worker = threading.main_thread().ident
        while alive():
            try:
                try:
                    job = self._queue.get(timeout=0.5)
                except queue.Empty:
                    continue
                self._do(job)
                self._stopping = False
            except KeyboardInterrupt:
                if not self._stopping:
                    raise
                self._stopping = False

    def _stop(self, job: Job) -> None:
        job.error = {"error": "Stopped.", "hint": "What was answered is kept; the same change goes on from there."}
        job.state = "stopped"

    def _do(self, job: Job) -> None:
        if job.over:
            return
        job.state = "running"
        try:
            with self._around():
                job.result = job.work(job.watch)
            job.state = "done"
        except KeyboardInterrupt:
            self._stop(job)
            raise
        except IctcError as e:
            job.error = told(e)
            job.state = "failed"
        except Exception as e:
            logging.getLogger(__name__).exception("%s", job.title)
            job.error = {"error": f"It failed: {type(e).__name__}.", "hint": "The terminal of `ictc serve` has more."}
            job.state = "failed"
