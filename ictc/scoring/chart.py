"""The confusion matrix as a picture, drawn by matplotlib's objects alone (no pyplot, no display, no global state)."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ictc.scoring.scores import Scores

_LONGEST = 26  # characters of a name that are shown
_WITH_NUMBERS = 60  # columns up to which each cell shows its count
_WIDEST = 15.0  # inches, of the cells


def confusion_png(scores: Scores, columns_are: str = "cluster", mark: str = "") -> bytes:
    """A PNG: rows are classes, columns clusters (or what `columns_are`), shade the share of the class, numbers the
    images. `mark`: a line that says what kind of numbers these are.

    Clusters that stand for a class lie on the diagonal; the last column is of unassigned and failed images, left out
    when there are none. Readable from 2 to about 50 classes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    confusion = scores.confusion
    counts = np.array(confusion.counts, dtype=float)
    columns = confusion.columns
    if not counts[:, -1].any():
        counts, columns = counts[:, :-1], columns[:-1]
    share = counts / counts.sum(axis=1, keepdims=True)
    n_rows, n_cols = counts.shape
    cell = min(0.5, _WIDEST / max(n_rows, n_cols))
    figure = Figure(
        figsize=(max(6.0, cell * n_cols + 2.5), max(4.0, cell * n_rows + 2.5)), dpi=110, layout="constrained"
    )
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    size = max(6.5, min(9.0, cell * 20))
    axes.set_xticks(range(n_cols), [_short(c) for c in columns], rotation=90, fontsize=size)
    axes.set_yticks(range(n_rows), [_short(c) for c in confusion.classes], fontsize=size)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_parse_math(False)  # a `$` in a name is a `$`
    axes.set_xlabel(f"{columns_are}; shade: share of the class")
    axes.set_ylabel("class")
    told = f"ACC {scores.acc:.4f}   ARI {scores.ari:.4f}   NMI {scores.nmi:.4f}   n = {scores.n:,}"
    axes.set_title(f"{told}\n{mark}" if mark else told, fontsize=9)
    if n_cols <= _WITH_NUMBERS:
        for i, j in np.argwhere(counts > 0):
            colour = "white" if share[i, j] > 0.55 else "black"
            axes.text(
                j, i, f"{counts[i, j]:.0f}", ha="center", va="center", fontsize=min(size - 1, cell * 26), color=colour
            )
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # scripts the bundled font lacks show as boxes
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _short(name: str) -> str:
    name = " ".join(name.split())
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
