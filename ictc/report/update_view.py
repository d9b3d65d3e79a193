"""What `update.json` says, as the page and the terminal show it: where new images went, and whether they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_SIGNS = {
    "unassigned": "in none of the clusters",
    "unsure": "unsure of their cluster",
    "unlike": "unlike all images there were",
    "unheard": "with a label nobody had",
}
_LEVEL = 0.05  # as in `ictc.updating.drift`
_SHARES = "in other shares of the clusters"


@dataclass(frozen=True, slots=True)
class SignRow:
    """One sign of drift in words; "" where it has no such number. `drifts`: it counts as drift."""

    what: str
    new: str
    share: str
    expected: str
    p: str
    drifts: bool


@dataclass(frozen=True, slots=True)
class UpdateView:
    """`clusters`: (name, new images, their share, the share of those before) where there are any; `unassigned` of the
    new; `missing`: a cluster that may be missing, (name, images, examples)."""

    base: str
    clusters: Sequence[tuple[str, int, float, float]]
    unassigned: int
    signs: Sequence[SignRow]
    confidence: tuple[float, float] | None
    drift: str
    missing: tuple[str, int, Sequence[str]] | None

    @property
    def new(self) -> int:
        return self.unassigned + sum(n for _, n, _, _ in self.clusters)


def update_view(told: Mapping[str, Any]) -> UpdateView:
    """Raises KeyError, TypeError, ValueError: it is not as `ictc update` writes it."""
    drift, more = told["drift"], told["suggestion"]
    new, old = (drift["confidence"][side] if drift else None for side in ("new", "old"))
    return UpdateView(
        base=str(told["base"]),
        clusters=[
            (str(r["cluster"]), int(r["images"]), float(r["share"]), float(r["share_before"]))
            for r in told["clusters"]
            if r["images"]
        ],
        unassigned=int(told["unassigned"]),
        signs=sign_rows(drift) if drift else [],
        confidence=None if new is None or old is None else (float(new), float(old)),
        drift=drift_line(drift) if drift else "",
        missing=(str(more["name"]), int(more["size"]), [str(i) for i in more["images"][:3]]) if more else None,
    )


def sign_rows(drift: Mapping[str, Any]) -> list[SignRow]:
    """`Drift.to_json()` as a table."""
    rows = [
        SignRow(
            _SIGNS[name],
            f"{s['new']} of {s['of']}",
            f"{s['share']:.0%} [{s['low']:.0%}, {s['high']:.0%}]",
            f"{s['expected']:.1%}",
            _p(s["p"]),
            bool(s["drifts"]),
        )
        for name, s in drift["signs"].items()
    ]
    p = drift["shares_p"]
    return rows if p is None else [*rows, SignRow(_SHARES.removeprefix("in "), "", "", "", _p(p), p < _LEVEL)]


def drift_line(drift: Mapping[str, Any]) -> str:
    """In a sentence."""
    found = [_SIGNS[name] for name, s in drift["signs"].items() if s["drifts"]]
    if drift["shares_p"] is not None and drift["shares_p"] < _LEVEL:
        found.append(_SHARES)
    said = f"the new images differ from those before: more are {', '.join(found)}" if found else "none to be seen"
    return f"drift: {said} (p adjusted for the number of signs, below .05)"


def _p(value: float) -> str:
    return "< .001" if value < 0.001 else f"{value:.3f}"
