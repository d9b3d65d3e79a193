"""What of a collection was described, who decided the rest, and how far that can be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Account:
    """`described`: images that were put to the describer, of which `cover` stand for the others, `uncertain` for those
    that a first look left in doubt, and `audited` were drawn at random from what the probe decided; the rest are copies
    of these, or failed. `probed`: images that the probe on the vectors of `embedder` decided. `disagreed`: of the
    audited, how many the reasoner put elsewhere. `disagreement`: the estimated share of all images whose cluster would
    be another if every one were described, with its 95 % interval `low` to `high`; None where images were left to the
    probe and none of them audited. `rounds`: of `auto`, the images described and the estimate each time; `settled`:
    whether it ended because names and audit no longer changed."""

    size: str
    embedder: str
    images: int
    described: int = 0
    cover: int = 0
    uncertain: int = 0
    audited: int = 0
    probed: int = 0
    disagreed: int = 0
    disagreement: float | None = None
    low: float | None = None
    high: float | None = None
    rounds: Sequence[Sequence[float | None]] = ()
    settled: bool = False

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> Account:
        """The reverse of `to_json`; what another version may have added is left out."""
        known = {f.name for f in fields(Account)}
        return Account(**{name: value for name, value in stored.items() if name in known})

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def line(self) -> str:
        """For a person."""
        said = f"{self.described} of {self.images} images described"
        if not self.probed:
            return f"{said}: no image was left to the probe"
        grown = ""
        if self.rounds:
            end = "names and audit no longer changed" if self.settled else "there were no more"
            grown = f", in {len(self.rounds)} rounds until {end}"
        said += (
            f" ({self.cover} that cover all, {self.uncertain} in doubt, {self.audited} audited{grown}), {self.probed} "
            f"put into their clusters by what they look like ({self.embedder})"
        )
        if self.disagreement is None or self.low is None or self.high is None:
            return f"{said}; nothing was audited"
        return (
            f"{said}; estimated disagreement with describing everything, under these names: "
            f"{100 * self.disagreement:.1f} % (95 % interval {100 * self.low:.1f} to {100 * self.high:.1f} %)"
        )
