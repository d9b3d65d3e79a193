"""Geometry of the small drawings: marker outlines and the curve of K. Numbers only; the template draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ictc.scoring.calibration import Bin
from ictc.types import KChoice

COLOURS = 10
"""Colours in style.css; they stay apart for colour-blind readers. Beyond ten clusters the shape changes."""

_SHAPES = 4


def colour(number: int) -> str:
    """CSS class of a section's colour: c0 is for the unassigned."""
    return f"c{(number - 1) % COLOURS + 1}" if number else "c0"


def marker(number: int, x: float, y: float, r: float) -> str:
    """SVG path of a section's marker: circle, square, triangle or diamond of about equal area."""
    shape = (number - 1) // COLOURS % _SHAPES if number else 0
    if shape == 0:
        return f"M{x - r:g} {y:g}a{r:g} {r:g} 0 1 0 {2 * r:g} 0a{r:g} {r:g} 0 1 0 {-2 * r:g} 0z"
    if shape == 1:
        s = round(0.88 * r, 2)
        return f"M{x - s:g} {y - s:g}h{2 * s:g}v{2 * s:g}h{-2 * s:g}z"
    s = round(1.25 * r, 2)
    if shape == 2:
        return f"M{x:g} {y - s:g}l{s:g} {1.8 * s:g}h{-2 * s:g}z"
    return f"M{x:g} {y - s:g}l{s:g} {s:g}l{-s:g} {s:g}l{-s:g} {-s:g}z"


@dataclass(frozen=True, slots=True)
class Curve:
    """Score against K, in units of a drawing of `width` x `height`. Ticks are (position, text)."""

    width: int
    height: int
    points: Sequence[tuple[float, float]]
    chosen: tuple[float, float] | None
    x_ticks: Sequence[tuple[float, str]]
    y_ticks: Sequence[tuple[float, str]]


def curve(choice: KChoice, width: int = 640, height: int = 240) -> Curve | None:
    """The drawing of `choice.curve`; None with fewer than two points."""
    if len(choice.curve) < 2:
        return None
    tried = sorted(choice.curve)
    ks, values = [k for k, _ in tried], [v for _, v in tried]
    low, high = min(values), max(values)
    span = high - low or 1.0
    left, right, top, bottom = 56, width - 16, 16, height - 34

    def x(k: int) -> float:
        return round(left + (k - ks[0]) / (ks[-1] - ks[0]) * (right - left), 1)

    def y(value: float) -> float:
        return round(bottom - (value - low) / span * (bottom - top), 1)

    step = -(-len(ks) // 12)
    at = dict(tried)
    return Curve(
        width,
        height,
        [(x(k), y(v)) for k, v in tried],
        (x(choice.k), y(at[choice.k])) if choice.k in at else None,
        [(x(k), str(k)) for k in ks[::step]],
        [(y(v), f"{v:.3g}") for v in (low, low + span / 2, high)],
    )


@dataclass(frozen=True, slots=True)
class Bar:
    """One bin: a bar from the ground up to its accuracy, `due` where its mean confidence stands, `n` in short."""

    x: float
    y: float
    width: float
    height: float
    due: float
    n: str


@dataclass(frozen=True, slots=True)
class Diagram:
    """Accuracy against confidence, both 0 to 1, between `left`, `right`, `top` and `bottom`; ticks as in `Curve`."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    bars: Sequence[Bar]
    x_ticks: Sequence[tuple[float, str]]
    y_ticks: Sequence[tuple[float, str]]


def reliability_diagram(bins: Sequence[Bin], width: int = 640, height: int = 400) -> Diagram:
    """A bar for each bin (DeGroot and Fienberg, 1983): right confidences end at the diagonal."""
    left, right, top, bottom = 56, width - 16, 34, height - 34

    def x(value: float) -> float:
        return round(left + value * (right - left), 1)

    def y(value: float) -> float:
        return round(bottom - value * (bottom - top), 1)

    def bar(b: Bin) -> Bar:
        x0, x1, y1 = x(b.low) + 2, x(b.high) - 2, y(b.accuracy)
        return Bar(x0, y1, round(x1 - x0, 1), round(bottom - y1, 1), y(b.confidence), _short(b.n))

    ticks = [tick / 5 for tick in range(6)]
    return Diagram(
        width,
        height,
        left,
        right,
        top,
        bottom,
        [bar(b) for b in bins],
        [(x(t), f"{t:g}") for t in ticks],
        [(y(t), f"{t:g}") for t in ticks],
    )


def _short(n: int) -> str:
    """At most four characters: over a bar there is no room for more."""
    for unit, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if n >= 0.9995 * unit:
            return f"{n / unit:.1f}{letter}" if n < 9.95 * unit else f"{n / unit:.0f}{letter}"
    return str(n)
