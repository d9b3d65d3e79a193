"""New images beside those of a run of the embedding lane: each goes to the cluster whose centre, the mean of its
images' vectors, it lies nearest to. So k-means itself assigns, and so does `ictc classify` with a run's clusters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ictc.interfaces import Tick, Vectors, no_tick
from ictc.lane.place import Placer
from ictc.lane.reasoner import LaneReasoner
from ictc.means import Lane
from ictc.outlying import without
from ictc.reasoners.held import Held, Known
from ictc.reasoners.spherical import unit
from ictc.store import Store, content_key
from ictc.types import Assignment, Description, Failure, Label, Taxonomy


class HeldLane:
    """Implements `Reasoner` and `Appearance`. `inner`: the lane as it is asked what images are like."""

    def __init__(self, placer: Placer, lane: Lane, store: Store, known: Known) -> None:
        self._placer = placer
        self._lane = lane
        pairing = "best" if lane.pairing == "label" else lane.pairing  # of a new image nobody knows the true class
        alone = replace(lane, pairing=pairing, truth="", shown={})
        self._inner = LaneReasoner(Placer(placer.embedder, alone, texts_only=placer.texts_only), alone, store)
        self.known = known

    @property
    def fingerprint(self) -> str:
        return content_key("held-lane/1", inner=self._inner.fingerprint, known=self.known.digest)

    def label(self, descriptions: Sequence[Description], criterion: str, tick: Tick = no_tick) -> list[Label | Failure]:
        return self._inner.label(descriptions, criterion, tick)

    def merge(
        self, descriptions: Sequence[Description], labels: Sequence[Label], criterion: str, k: int | None
    ) -> Taxonomy:
        return self.known.taxonomy

    def assign(
        self, descriptions: Sequence[Description], taxonomy: Taxonomy, criterion: str, tick: Tick = no_tick
    ) -> list[Assignment | Failure]:
        names = without(taxonomy).names
        placed = self._placer.place(self.known.descriptions, criterion, names)
        rows = self._placer.more(placed, self._placer.images(descriptions))
        groups = self.known.groups(names)
        if placed.test is not None:
            groups[placed.test] = -1
        n, sure = len(groups), self.known.confidences
        shares = Held(unit(rows), unit(placed.rows), groups, len(names), n, sure, votes=False).shares()
        tick(len(descriptions))
        by = f"embedding:{self._lane.embedder}"
        return [
            Assignment(d.image, names[row.argmax()], round(float(row.max()), 4), by)
            for d, row in zip(descriptions, shares, strict=True)
        ]

    def appearance(self, descriptions: Sequence[Description], criterion: str) -> Vectors | None:
        return self._inner.appearance(descriptions, criterion)
