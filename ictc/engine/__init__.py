"""Where what the store lacks is computed: in this process, or by the workers of a cluster. Whoever has it computed does
not know which.

Answers that are stored are found before an engine is given anything, and only this process writes the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from ictc.interfaces import Model, Tick, no_tick
from ictc.modeloptions import ModelOptions

A = TypeVar("A")
R = TypeVar("R")
A_contra = TypeVar("A_contra", contravariant=True)

LOST = "worker-lost"
"""The code of what a worker did not survive, several times over."""
OUT_OF_MEMORY = "out-of-memory"

Compute = Callable[[Sequence[A], Tick], list[R]]
"""One result a row, in order; with the tick for rows that are ready within a batch."""


class Work(Protocol[A_contra, R]):
    """What is done to batches of rows: small when pickled (how it is made, never weights), the same wherever done.

    `side_by_side`: several threads with one torch thread each are faster than one thread with all of them.
    """

    @property
    def side_by_side(self) -> bool: ...

    def open(self) -> Compute[A_contra, R]:
        """What does it, made once for each worker. Raises IctcError: it cannot be made here, or would compute something
        else than where it comes from (see `ictc.engine.alike`)."""
        ...

    def lost(self, row: A_contra, code: str, message: str) -> R:
        """What stands for a row that could not be done anywhere. Raises StepError: nothing can."""
        ...


class Engine(Protocol):
    """`map` takes batches lazily and gives their results in order. `model` is who answers requests, made with options.
    `at_once`: starting takes so long that one call with all batches is much better than one for each few."""

    @property
    def at_once(self) -> bool: ...

    def map(self, work: Work[A, R], batches: Iterable[Sequence[A]], tick: Tick = no_tick) -> Iterator[list[R]]: ...

    def model(self, make: Callable[[ModelOptions], Model], options: ModelOptions) -> Model: ...
