"""How steps say how far they are. The library is silent by default; the CLI draws bars."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from ictc.interfaces import Tick, no_tick


class Watch(Protocol):
    """Told when a stage begins and how many items it has; gives the stage's tick for as long as the stage lasts."""

    def __call__(self, stage: str, total: int) -> AbstractContextManager[Tick]: ...


@contextmanager
def unwatched(stage: str, total: int) -> Iterator[Tick]:
    """Nobody is watching."""
    yield no_tick


class AtMost:
    """A tick that never tells of more items than there are, though two work on the same ones."""

    def __init__(self, total: int, tick: Tick) -> None:
        self._left = total
        self._tick = tick

    def __call__(self, done: int) -> None:
        done = min(done, self._left)
        self._left -= done
        if done:
            self._tick(done)

    def rest(self) -> None:
        """All items are done."""
        self(self._left)


def portion(of: int, tick: Tick, share: int) -> Tick:
    """A tick for work of `of` items that tells `tick` of `share` items over its whole length."""
    done = 0

    def part(more: int) -> None:
        nonlocal done
        before = done * share // max(1, of)
        done = min(done + more, of)
        if fresh := done * share // max(1, of) - before:
            tick(fresh)

    return part
