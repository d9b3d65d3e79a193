"""The losses of a training, as a table and as a picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import groupby
from statistics import fmean

Losses = Sequence[tuple[int, int, float]]
"""(epoch from 1, step from 1, loss)"""


def loss_csv(losses: Losses) -> str:
    """A line for each step."""
    return "epoch,step,loss\n" + "".join(f"{epoch},{step},{loss:.6g}\n" for epoch, step, loss in losses)


def of_epochs(losses: Losses) -> list[tuple[int, float]]:
    """(epoch, mean loss)"""
    return [(epoch, fmean(one[2] for one in group)) for epoch, group in groupby(losses, key=lambda one: one[0])]


def loss_png(losses: Losses, what: str) -> bytes:
    """Each step faint, the mean of each epoch strong; by matplotlib's objects alone."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(6.4, 3.6), dpi=120, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    epochs = of_epochs(losses)
    steps = {epoch: [one[1] for one in losses if one[0] == epoch] for epoch, _ in epochs}
    axes.plot([one[1] for one in losses], [one[2] for one in losses], color="#2f6f9f", alpha=0.3, linewidth=0.9)
    axes.plot([fmean(steps[e]) for e, _ in epochs], [loss for _, loss in epochs], "o-", color="#2f6f9f", markersize=3.5)
    axes.set(xlabel="step", ylabel="loss")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title(f"{what}: {len(epochs)} epochs, the mean of each as a dot", fontsize=10, loc="left")
    axes.grid(color="#dedbd4", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
