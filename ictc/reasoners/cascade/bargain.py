"""What a cascade asked, what the answers changed, and what the rest is estimated to be worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Bargain:
    """Counts are of images; one answer decides all whose descriptions are equal.

    `asked`: those decided by an answer, of which `uncertain` were asked about because they were, and the others for the
    audit; `changed`: given another name by it; `none`: for which the model named none of the names, so that the first
    choice stood. `unanswered`: whose question got no usable answer, `passing` of them for a reason that may pass (also
    labels of step 2a): the same command asks again. `audited`: how many were drawn at random from all not uncertain,
    and answered; `disagreed`: of these, how many the model named otherwise or not. `disagreement`: the estimated share
    of all images whose name is not the model's, with its 95 % interval `low` to `high`; None where images were left and
    none of them audited. `settled`: the budget was not used up, since answers changed hardly anything any more.
    `labelled`: whose label in step 2a is the model's own; the others have that of the nearest one that is.
    """

    budget: str
    images: int
    asked: int = 0
    uncertain: int = 0
    changed: int = 0
    none: int = 0
    unanswered: int = 0
    passing: int = 0
    audited: int = 0
    disagreed: int = 0
    disagreement: float | None = None
    low: float | None = None
    high: float | None = None
    settled: bool = False
    labelled: int = 0

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> Bargain:
        """The reverse of `to_json`; what another version may have added is left out."""
        known = {f.name for f in fields(Bargain)}
        return Bargain(**{name: value for name, value in stored.items() if name in known})

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def line(self) -> str:
        """For a person."""
        none = f", {self.none} named none of the names" if self.none else ""
        asked = f"{self.asked} of {self.images} images put to the model ({self.changed} changed{none})"
        if self.unanswered:
            asked += f", {self.unanswered} more without a usable answer"
        if self.passing:
            asked += " (the same command asks again)"
        if self.disagreement is None or self.low is None or self.high is None:
            return f"{asked}; nothing was audited{self._labels}"
        return (
            f"{asked}; estimated disagreement with the model on everything: {100 * self.disagreement:.1f} % "
            f"(95 % interval {100 * self.low:.1f} to {100 * self.high:.1f} %){self._labels}"
        )

    @property
    def _labels(self) -> str:
        if not self.labelled:
            return ""
        carried = self.images - self.labelled
        return f"; labels: {self.labelled} by the model, {carried} carried over from the nearest of them"


def bargain_of(reasoner: object) -> Bargain | None:
    """What a reasoner, or one that it wraps, says of its last step 3."""
    found = getattr(reasoner, "bargain", None)
    return found if isinstance(found, Bargain) else None
