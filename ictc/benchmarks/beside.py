"""Published figures beside ours and what differs, so that no number is taken for more than it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ictc.benchmarks.published import Figure

NOT_OURS = "not among ours: add --features with what stands in brackets"
NONE_KNOWN = "no published figure known to us"
_SCORING = {
    "random": "as published: off-list answers replaced by a random class; ours is strict, they are wrong",
    "nearest": "as published: off-list answers replaced by the WordNet-nearest class; ours is strict, they are wrong",
}


@dataclass(frozen=True, slots=True)
class Ours:
    """A row of our own. `n` images were scored, of a set that has `images` as published (None: not known). `low` and
    `high` bound the 95 % intervals. `calls` were asked of models for it, for `cost` dollars (None: unknown)."""

    lane: str
    model: str
    n: int
    k: int
    k_true: int
    acc: float | None
    ari: float | None
    nmi: float | None
    describer: str = ""
    images: int | None = None
    low: dict[str, float] | None = None
    high: dict[str, float] | None = None
    unassigned: int = 0
    failed: int = 0
    off_list: int = 0
    supervised: bool = False
    calls: int = 0
    cost: float | None = 0.0
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """A JSON object with all fields; `cost` null is an unknown one."""
        return asdict(self)

    @property
    def remarks(self) -> list[str]:
        """What to know of the row itself."""
        told = [f"{self.n:,} of the {self.images:,} images"] if self.images and self.n < self.images else []
        told = [*([f"described by {self.describer}"] if self.describer else []), *told]
        told += [f"K {self.k}, but {self.k_true} classes"] if self.k != self.k_true else []
        for name in ("unassigned", "failed", "off_list"):
            if count := getattr(self, name):
                told.append(f"{count:,} {name.replace('_', '-')}: wrong")
        return [*told, *(["supervised"] if self.supervised else []), *([self.note] if self.note else [])]


def nearest(figure: Figure, ours: Sequence[Ours]) -> Ours:
    """The row of ours that names the published one's models; the first where none does."""
    return next((row for row in ours if _same_model(figure, row)), ours[0])


def differs(figure: Figure, ours: Ours) -> list[str]:
    """In what a published figure is of something else than ours."""
    told = []
    if figure.n is None:
        told.append(f"n not stated (ours {ours.n:,})")
    elif figure.n != ours.n:
        told.append(f"n {figure.n:,} (ours {ours.n:,})")
    if figure.k != ours.k:
        told.append(f"K {figure.k} (ours {ours.k})")
    if figure.lane != ours.lane and not figure.is_other:
        told.append(f"lane {figure.lane} (ours {ours.lane})")
    if figure.is_other:
        told.append("another method")
    elif _same_model(figure, ours):
        pass
    elif figure.spec and figure.lane == ours.lane:
        told.append(NOT_OURS)
    else:
        told.append(f"another model, on {figure.describer}'s descriptions" if figure.describer else "another model")
    if figure.scoring in _SCORING:
        told.append(_SCORING[figure.scoring])
    if not figure.scoring and figure.method == "IC|TC":
        told.append("how off-list answers were scored is not stated")
    if ours.supervised:
        told.append("ours is supervised, scored on images whose class was not shown")
    return [*told, *(note for note in (figure.note, figure.source_note) if note)]


def _same_model(figure: Figure, ours: Ours) -> bool:
    """Whether ours names the very models; a name that only begins alike (gpt-4o) is another."""
    if figure.spec:
        return figure.spec == ours.model
    words = re.split(r"[\s:/,@]+", f"{ours.model} {ours.describer}".casefold())
    wanted = [name.casefold() for name in (figure.model, figure.describer) if name]
    return all(name in words for name in wanted)
