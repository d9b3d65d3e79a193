"""The noise study as a picture: what is left of assignments, and of accuracy where it is known, by strength."""

from __future__ import annotations

import io
from typing import Any

from ictc.lane.reasoner import MARK

_LOOKS = {
    "noise": ("#3b6fd4", "o"), "blur": ("#e0701a", "s"), "jpeg": ("#829a14", "^"), "crop": ("#a20a01", "D"),
    "occlusion": ("#7b3fb5", "v"), "brightness": ("#0598a8", "P"),
}  # fmt: skip
_CALLED = {"agreement": "share of images in the same cluster", "acc": "ACC against the truth"}


def noise_png(found: dict[str, Any]) -> bytes:
    """A PNG of `noise.study`'s result."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = ["agreement", *(["acc"] if "acc" in found["clean"] else [])]
    figure = Figure(figsize=(5.2 * len(shown) + 1.4, 4.2), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    for place, key in enumerate(shown, 1):
        axes = figure.add_subplot(1, len(shown), place)
        start = next((row.get(key) for row in found["changes"] if row["strength"] == 0), None)
        for kind, (colour, marker) in _LOOKS.items():
            rows = [row for row in found["changes"] if row["kind"] == kind and key in row]
            x, y = [0, *(row["strength"] for row in rows)], [start, *(row[key] for row in rows)]
            named = f"{kind} " + ", ".join(f"{row['value']:g}" for row in rows)
            axes.plot(x, y, color=colour, marker=marker, markersize=5, linewidth=1.5, label=named)
        if key == "acc":
            axes.axhline(
                found["clean"][key], color="#7d7f83", linewidth=1, linestyle=":", label="the files as they are"
            )
        axes.set_ylim(0, 1.02)
        axes.set_xticks([0, 1, 2, 3], ["copy", "weak", "medium", "strong"])
        axes.set_ylabel(_CALLED[key])
        axes.grid(axis="y", color="#e3e0da", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        if place == len(shown):
            axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8, frameon=False)
    mark = f"\n{MARK}" if "supervised" in found else ""
    figure.suptitle(f"{found['images']:,} images, embedder {found['embedder']}{mark}", fontsize=10)
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
