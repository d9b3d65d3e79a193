"""A reasoner around a reasoner that keeps what is not sure enough out of the clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ictc.errors import UsageError
from ictc.interfaces import Reasoner, Tick, no_tick
from ictc.reasoners.wrapping import Wrapped
from ictc.store import content_key
from ictc.types import Assignment, Description, Failure, Taxonomy


class UnsureReasoner(Wrapped):
    """Implements `Reasoner`. An image whose confidence is below `least` is unassigned, and says what it might be.

    Answers of a language model have no confidence and stay.

    Raises:
        UsageError: `least` is no share.
    """

    def __init__(self, inner: Reasoner, least: float) -> None:
        if not 0 <= least <= 1:
            raise UsageError(f"--min-confidence is {least}.", "Give a share between 0 and 1: --min-confidence 0.5")
        super().__init__(inner)
        self._least = least

    @property
    def fingerprint(self) -> str:
        return content_key("unsure/1", inner=self._inner.fingerprint, least=self._least)

    def assign(
        self, descriptions: Sequence[Description], taxonomy: Taxonomy, criterion: str, tick: Tick = no_tick
    ) -> list[Assignment | Failure]:
        return [checked(a, self._least) for a in self._inner.assign(descriptions, taxonomy, criterion, tick)]


def checked(found: Assignment | Failure, least: float) -> Assignment | Failure:
    """An answer that is not sure enough puts the image nowhere."""
    if isinstance(found, Failure) or found.confidence is None or found.confidence >= least:
        return found
    return replace(found, cluster=None, evidence=f"unsure, perhaps {found.cluster}: {found.evidence}")
