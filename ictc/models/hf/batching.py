"""How many requests go through a model at once, and which: pure bookkeeping, no model in sight."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import islice

from ictc.types import Request

Numbered = tuple[int, Request]

_WINDOW = 8  # batches' worth of requests read ahead and sorted by length, so that little is padded


class BatchSize:
    """Starts at `start`, halves for good when memory runs out, and doubles after full batches up to `most`."""

    def __init__(self, start: int, most: int) -> None:
        self.now = start
        self._most = max(start, most)

    def fitted(self, count: int) -> None:
        if count >= self.now:
            self.now = min(self._most, 2 * self.now)

    def ran_out(self, count: int) -> bool:
        """Whether a smaller batch is left to try."""
        if count <= 1:
            return False
        self.now = self._most = count // 2
        return True


def windows(requests: Iterable[Request], size: BatchSize) -> Iterator[list[Numbered]]:
    """Reads ahead no more than a few batches."""
    numbered = enumerate(requests)
    while window := list(islice(numbered, _WINDOW * size.now)):
        yield window


def alike(
    window: Sequence[Numbered], kind: Callable[[Request], Hashable], length: Callable[[Request], int]
) -> Iterator[list[Numbered]]:
    """The requests of a window that may share a batch, longest first: what does not fit shows at once."""
    groups: dict[Hashable, list[Numbered]] = {}
    for numbered in window:
        groups.setdefault(kind(numbered[1]), []).append(numbered)
    for group in groups.values():
        yield sorted(group, key=lambda n: (-length(n[1]), n[0]))
