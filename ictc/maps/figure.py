"""Maps drawn side by side as PNG or SVG, by matplotlib's objects alone (no pyplot, no display)."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ictc.maps.colours import UNASSIGNED, look
from ictc.report.model import ImageMap
from ictc.text import printable, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")
_WIDTH, _HEIGHT = 6.4, 4.5  # inches of a panel, without its legend
_TITLE, _GAP = 0.5, 0.12
_LETTERS = 7.8  # points; 13 units of the drawing, as map_view counts on
_LINE = 0.16  # inches of a line of the legend
_COLUMNS, _LISTED, _LONGEST = 4, 40, 24


@dataclass(frozen=True)
class Panel:
    """One map. `numbers`: by a group's number in the drawing, the number of its colour."""

    title: str
    drawing: ImageMap
    numbers: dict[int, int]


def draw(rows: Sequence[Sequence[Panel | None]], form: str, dpi: int = 150) -> bytes:
    """The picture of rows of panels, all rows of one length, None where there is nothing. The same panels give the
    same bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    across = len(rows[0])
    legends = [max(_lines(panel) for panel in row if panel) * _LINE + 0.1 for row in rows]
    wide, high = _WIDTH * across + _GAP, sum(legends) + (_HEIGHT + _TITLE) * len(rows)
    figure = Figure(figsize=(wide, high), dpi=dpi)
    FigureCanvasAgg(figure)
    bottom = high
    for row, legend in zip(rows, legends, strict=True):
        bottom -= _TITLE + _HEIGHT
        for place, panel in enumerate(row):
            if panel:
                left = _GAP + place * _WIDTH
                box = (left / wide, bottom / high, (_WIDTH - _GAP) / wide, _HEIGHT / high)
                _panel(figure.add_axes(box), panel)
        bottom -= legend
    return saved(figure, form)


def saved(figure: Figure, form: str) -> bytes:
    """A figure as one of FORMATS, without the time or version of anything: the same figure gives the same bytes."""
    from matplotlib import rc_context

    buffer = io.BytesIO()
    with warnings.catch_warnings(), rc_context({"svg.hashsalt": "ictc"}):
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # scripts the bundled font lacks show as boxes
        metadata = {"Date": None} if form == "svg" else {"Software": None}
        figure.savefig(buffer, format=form, metadata=metadata)
    return buffer.getvalue()


def _panel(axes: Axes, panel: Panel) -> None:
    from matplotlib.patheffects import withStroke

    drawing = panel.drawing
    size = 16.0 if drawing.shown <= 1000 else 7.0
    for group in drawing.groups:
        colour, marker = look(panel.numbers[group.number]) if group.number else UNASSIGNED
        x, y = zip(*group.points, strict=True)
        name = f"{shortened(printable(group.name), _LONGEST)} ({len(group.points):,})"
        edge = {} if marker == "x" else {"edgecolors": "white", "linewidths": 0.25}
        axes.scatter(x, y, s=size, c=colour, marker=marker, label=name, **edge)  # type: ignore[arg-type]
    for label in drawing.labels:
        if label.line:
            axes.plot(label.line[::2], label.line[1::2], color="#55585e", linewidth=0.6)
        text = axes.text(label.x, label.y, printable(label.name), fontsize=_LETTERS, ha="center", va="center")
        text.set_parse_math(False)  # a `$` in a name is a `$`
        text.set_path_effects([withStroke(linewidth=2.2, foreground="white")])
    axes.set_xlim(0, drawing.width)
    axes.set_ylim(drawing.height, 0)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_color("#d5d5d2")
    title = axes.set_title(panel.title, fontsize=9, loc="left")
    title.set_parse_math(False)
    handles, names = axes.get_legend_handles_labels()
    if len(names) > _LISTED:
        names = [*names[: _LISTED - 1], f"and {len(names) - _LISTED + 1} more"]
    legend = axes.legend(
        handles[: len(names)], names, loc="upper left", bbox_to_anchor=(0, 0), ncols=_COLUMNS, fontsize=7,
        frameon=False, columnspacing=1.0, handletextpad=0.1, borderaxespad=0.1,
    )  # fmt: skip
    for text in legend.get_texts():
        text.set_parse_math(False)


def _lines(panel: Panel) -> int:
    return -(-min(_LISTED, len(panel.drawing.groups)) // _COLUMNS)
