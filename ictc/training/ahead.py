"""The next batches are made while the network works on this one: pictures that do not fit into memory are read anew."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

DEPTH = 2
"""Batches that are held beside the one that is worked on."""


def ahead(make: Callable[[T], R], wanted: Iterable[T], depth: int = DEPTH) -> Generator[R, None, None]:
    """What `make` gives of each, in order, made one after another in a thread; never more than `depth` early. What it
    raises is raised where its result would have come. Close it when the rest is not wanted."""
    waiting = deque[Future[R]]()
    with ThreadPoolExecutor(1, "ahead") as pool:
        try:
            for one in wanted:
                waiting.append(pool.submit(make, one))
                if len(waiting) > depth:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for left in waiting:
                left.cancel()
