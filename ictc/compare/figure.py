"""A comparison as a picture: a line for each row, a panel for each score; by matplotlib's objects alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ictc.compare.grid import AXES
from ictc.compare.table import best, led, number, same, sampled, test_part, told_apart, varying
from ictc.maps.colours import look
from ictc.maps.figure import saved
from ictc.text import printable, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS = {"acc": "ACC", "ari": "ARI", "nmi": "NMI", "silhouette": "silhouette"}
MOST = 200
"""Rows that are drawn, the first ones; compare.csv has all."""
_LINE, _TOP, _BOTTOM, _EDGE = 0.23, 0.95, 0.75, 0.15  # inches
_SPACING, _ROOM = 0.13, 3  # inches between lines below; so many have room in _BOTTOM
_PANEL, _GAP, _NUMBER, _LEAST = 1.75, 0.16, 0.42, 7.5  # _LEAST: of the whole width
_LETTER, _SMALL, _TINY = 0.073, 8.0, 7.0  # inches a letter of 8 points takes at most; points
_LONGEST = 30
_INK, _FAINT, _BAND = "#22252a", "#7d7f83", "#f4f3ef"
_HOLLOW = "D"


def draw(facts: Mapping[str, Any], form: str, dpi: int = 150) -> bytes:
    """`facts`: what compare.json holds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = told_apart(facts["rows"])[:MOST]
    scores = [name for name in led(list(PANELS), facts["sort"]) if any(row[name] for row in rows)] or ["silhouette"]
    below = _below(facts, rows)
    bottom = _BOTTOM + _SPACING * max(0, len(below) - _ROOM)
    columns = _columns(rows)
    widths = [_LETTER * max(map(len, texts)) + 0.12 for texts in columns.values()]
    left = _EDGE + sum(widths)
    panel = max(_PANEL, (_LEAST - left - _EDGE) / len(scores) - _NUMBER - _GAP)
    wide = left + len(scores) * (panel + _NUMBER + _GAP) + _EDGE
    high = _TOP + _LINE * len(rows) + bottom
    figure = Figure(figsize=(wide, high), dpi=dpi, facecolor="white")
    FigureCanvasAgg(figure)
    back = figure.add_axes((0, 0, 1, 1))
    back.set(xlim=(0, wide), ylim=(high, 0))  # inches, from the top left
    back.axis("off")
    colours = _colours(rows)
    for i in range(0, len(rows), 2):
        back.axhspan(_TOP + i * _LINE, _TOP + (i + 1) * _LINE, color=_BAND, linewidth=0)
    x = _EDGE
    for (axis, texts), width in zip(columns.items(), widths, strict=True):
        _write(back, x, _TOP - 0.1, texts[0], size=_TINY, color=_FAINT)
        for i, (row, text) in enumerate(zip(rows, texts[1:], strict=True)):
            colour = colours[1][row[colours[0]]] if axis == colours[0] else _INK
            _write(back, x, _TOP + (i + 0.5) * _LINE, text, color=colour)
        x += width
    top = best(rows)
    for place, name in enumerate(scores):
        at = left + place * (panel + _NUMBER + _GAP)
        box = (at / wide, bottom / high, panel / wide, _LINE * len(rows) / high)
        _panel(figure.add_axes(box), rows, name, colours)
        for i, row in enumerate(rows):
            if row[name]:
                mean = row[name]["mean"]
                strong = "bold" if mean == top.get(name) and not row["supervised"] else "normal"
                y = _TOP + (i + 0.5) * _LINE
                _write(back, at + panel + _NUMBER, y, number(mean), ha="right", size=_TINY, weight=strong)
    for i, row in enumerate(rows):
        if not row["runs"]:
            room = int((wide - left - _EDGE) / _LETTER * 1.15)
            said = shortened(printable(row["reasons"][0]["reason"]), room)
            ground = "white" if i % 2 else _BAND
            middle = 1 - (_TOP + (i + 0.5) * _LINE) / high
            told = figure.text(
                (left + 0.05) / wide, middle, said, va="center", fontsize=_TINY, color=_FAINT, style="italic"
            )
            told.set(parse_math=False, bbox={"facecolor": ground, "linewidth": 0, "pad": 1.5})  # over the grid
    _frame(back, facts, rows)
    for i, line in enumerate(below):
        _write(back, _EDGE, high - bottom + 0.3 + _SPACING * i, line, size=6.5, color=_FAINT)
    return saved(figure, form)


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """By axis the texts beside the panels, their heading first."""
    found = {axis: [axis, *(_text(row[axis]) for row in rows)] for axis in varying(rows)}
    if any(row["supervised"] for row in rows):
        found["supervised"] = ["", *("supervised" if row["supervised"] else "" for row in rows)]
    return found


def _text(value: object) -> str:
    """The end of a long path says more than its middle."""
    text = "" if value is None else printable(str(value))
    return text if len(text) <= _LONGEST else f"{text[:9]}…{text[10 - _LONGEST :]}"


def _colours(rows: Sequence[Mapping[str, Any]]) -> tuple[str, dict[Any, str]]:
    """The axis that colours stand for: the first that differs and has at most ten values."""
    there = varying(rows)
    axis = next((a for a in there if len({row[a] for row in rows}) <= 10), there[0])
    values = sorted({row[axis] for row in rows}, key=lambda v: (v is None, str(v)))
    return axis, {value: look(i)[0] for i, value in enumerate(values)}


def _panel(axes: Axes, rows: Sequence[Mapping[str, Any]], name: str, colours: tuple[str, dict[Any, str]]) -> None:
    axis, colour_of = colours
    for i, row in enumerate(rows):
        if not row[name]:
            continue
        colour, mean, sd = colour_of[row[axis]], row[name]["mean"], row[name]["sd"]
        single = [cell[name] for cell in row["cells"] if cell.get(name) is not None]
        if len(single) > 1:
            axes.plot(single, [i] * len(single), "o", color=colour, markersize=2.2, alpha=0.35, markeredgewidth=0)
        if sd is not None:
            axes.errorbar(mean, i, xerr=sd, color=colour, linewidth=1.1, capsize=2.2, capthick=0.9)
        face = "white" if row["supervised"] else colour
        marker = _HOLLOW if row["supervised"] else "o"
        axes.plot([mean], [i], marker, color=colour, markerfacecolor=face, markersize=4.6, markeredgewidth=1.1)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks([])
    axes.margins(x=0.07)
    axes.patch.set_alpha(0)
    axes.grid(axis="x", color="#dedbd4", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.locator_params(axis="x", nbins=4)
    axes.tick_params(axis="x", labelsize=_TINY, colors=_FAINT, length=2)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color("#b9b6ae")
    axes.set_title(PANELS[name], fontsize=9, color=_INK, pad=4)


def _frame(back: Axes, facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """What it is of."""
    classes = f", {facts['classes']} classes" if facts["truth"] else ", no truth"
    k = "auto" if facts["k"] is None else facts["k"]
    name = shortened(printable(Path(facts["images"]).name or facts["images"]), 40)
    _write(back, _EDGE, 0.24, f"{name}: {facts['n']:,} images{classes}, K {k}", size=10.5, weight="bold")
    common = {axis: _text(value) for axis, value in same(rows).items()}
    _write(back, _EDGE, 0.5, ", ".join(f"{axis} {common[axis]}" for axis in AXES if axis in common), color=_FAINT)


def _below(facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """How to read it."""
    seeds = ", ".join(map(str, facts["seeds"][:10])) + (", ..." if len(facts["seeds"]) > 10 else "")
    told = f"Mean and sample standard deviation over the seeds {seeds}; one run where nothing is drawn at random."
    return [told if len(facts["seeds"]) > 1 else f"Seed {seeds}.", *_notes(facts, rows)]


def _notes(facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    notes = [line for line in (test_part(facts), *sampled(facts)) if line]
    if len({row["embedder"] for row in rows}) > 1:
        notes.append("Silhouettes are of each embedder's own vectors: they cannot be compared between embedders.")
    if facts["supervised"]:
        notes.append(
            "Supervised (hollow): images were fused with prompts of their TRUE classes; scores of the test split alone."
        )
    if len(rows) < len(facts["rows"]):
        notes.append(f"The first {len(rows)} of {len(facts['rows']):,} rows; all are in compare.csv.")
    return notes


def _write(back: Axes, x: float, y: float, text: str, **how: Any) -> None:
    shown = back.text(x, y, text, **{"va": "center", "fontsize": how.pop("size", _SMALL), "color": _INK, **how})
    shown.set_parse_math(False)  # a `$` in a name is a `$`
