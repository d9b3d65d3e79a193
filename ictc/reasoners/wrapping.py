"""What reasoners around a reasoner have in common: what they do not change is as the one within does it."""

from __future__ import annotations

from collections.abc import Sequence

from ictc.interfaces import Reasoner, Tick, no_tick
from ictc.reasoners.cascade.bargain import Bargain, bargain_of
from ictc.types import Assignment, Description, Failure, Label, Taxonomy


class Wrapped:
    """A `Reasoner` but for the fingerprint, which is to say what the one around adds."""

    def __init__(self, inner: Reasoner) -> None:
        self._inner = inner

    @property
    def bargain(self) -> Bargain | None:
        """See `bargain_of`."""
        return bargain_of(self._inner)

    def label(self, descriptions: Sequence[Description], criterion: str, tick: Tick = no_tick) -> list[Label | Failure]:
        return self._inner.label(descriptions, criterion, tick)

    def merge(
        self, descriptions: Sequence[Description], labels: Sequence[Label], criterion: str, k: int | None
    ) -> Taxonomy:
        return self._inner.merge(descriptions, labels, criterion, k)

    def assign(
        self, descriptions: Sequence[Description], taxonomy: Taxonomy, criterion: str, tick: Tick = no_tick
    ) -> list[Assignment | Failure]:
        return self._inner.assign(descriptions, taxonomy, criterion, tick)
