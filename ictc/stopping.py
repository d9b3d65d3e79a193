"""Ctrl-C while answers are under way that are paid for: whoever waits for them takes those that come soon, then ends.

A model says with `stoppable` that it waits; a front end calls `stop_soon` from its signal handler. Without a front end
that does, Ctrl-C is a KeyboardInterrupt at once, as everywhere.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

GRACE = 10.0
"""Seconds that answers under way get."""

_waiting: list[Callable[[], int]] = []


@contextmanager
def stoppable(stop: Callable[[], int]) -> Iterator[None]:
    """While the block lasts, `stop` is called where a person wants to end. It returns how many answers are under way;
    if any, the block is to raise KeyboardInterrupt when it has taken them or waited long enough. It runs in a signal
    handler: it must not wait. Only signals of the main thread are anybody's business."""
    heard = threading.current_thread() is threading.main_thread()
    if heard:
        _waiting.append(stop)
    try:
        yield
    finally:
        if heard:
            _waiting.remove(stop)


def stop_soon() -> int:
    """How many answers are waited for before KeyboardInterrupt is raised; at 0 the caller is to raise it."""
    return sum(stop() for stop in list(_waiting))
