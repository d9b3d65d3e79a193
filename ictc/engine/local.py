"""The engine that is always there: this process."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from ictc.engine import Work
from ictc.interfaces import Model, Tick, no_tick
from ictc.modeloptions import ModelOptions

A = TypeVar("A")
R = TypeVar("R")

_SWITCH = 0.0005
"""Seconds until a thread in Python makes way for one that comes back from a layer of the network. By default it is
5 ms, which a layer of a few hundred microseconds waits for again and again."""


class LocalEngine:
    """Implements `Engine`."""

    at_once = False

    def map(self, work: Work[A, R], batches: Iterable[Sequence[A]], tick: Tick = no_tick) -> Iterator[list[R]]:
        if work.side_by_side:
            yield from _side_by_side(work, batches, tick)
            return
        compute = None
        for batch in batches:
            compute = compute or work.open()
            yield compute(batch, tick)

    def model(self, make: Callable[[ModelOptions], Model], options: ModelOptions) -> Model:
        return make(options)


LOCAL = LocalEngine()


def _side_by_side(work: Work[A, R], batches: Iterable[Sequence[A]], tick: Tick) -> Iterator[list[R]]:
    """A thread a core, with one torch thread each: none ever waits for another, which on few cores is faster than
    decoding beside a network that uses all of them. At most two batches a thread are under way."""
    left = iter(batches)
    first = list(_taken(left, workers := os.cpu_count() or 1))
    if not first:
        return
    import torch

    compute, workers = work.open(), min(len(first), workers)
    threads, switch = torch.get_num_threads(), sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH)
    pool = ThreadPoolExecutor(workers, "eyes", initializer=torch.set_num_threads, initargs=(1,))
    try:
        ahead: deque[Future[list[R]]] = deque(pool.submit(compute, batch, tick) for batch in first)
        ahead.extend(pool.submit(compute, batch, tick) for batch in _taken(left, 2 * workers - len(ahead)))
        while ahead:
            yield ahead.popleft().result()
            ahead.extend(pool.submit(compute, batch, tick) for batch in _taken(left, 1))
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)
        sys.setswitchinterval(switch)


def _taken(left: Iterator[Sequence[A]], most: int) -> Iterator[Sequence[A]]:
    for _ in range(most):
        if (batch := next(left, None)) is None:
            return
        yield batch
