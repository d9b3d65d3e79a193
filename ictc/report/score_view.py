"""The scores as shown: read off `metrics.json`, nothing is computed anew but the shade of a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ictc.report.model import ClassScore, HeatRow, ReliabilityView, ScoreView
from ictc.scoring.calibration import Bin

READABLE = 60
"""Rows or columns of a confusion matrix beyond which a table on a page helps nobody."""

_HEATS = 10


def score_view(scores: Mapping[str, Any]) -> ScoreView:
    """`scores` is `Scores.to_json()`: its columns are in the order of their classes, the unassigned last."""
    confusion = scores["confusion"]
    matched = {m["class"]: m["cluster"] for m in scores["matching"]}
    readable = max(len(confusion["classes"]), len(confusion["clusters"])) <= READABLE
    rows = zip(confusion["classes"], confusion["counts"], strict=True) if readable else ()
    return ScoreView(
        n=scores["n"],
        without_truth=scores["without_truth"],
        supervised=scores.get("supervised", {}).get("note", ""),
        tiles=_tiles(scores),
        classes=[
            ClassScore(c["class"], c["n"], c["cluster"] or "", c["recall"], c["precision"], c["f1"])
            for c in scores["per_class"]
        ],
        columns=confusion["clusters"],
        rows=[_heat(name, counts, confusion["clusters"], matched.get(name)) for name, counts in rows],
        reliability=_reliability(scores),
    )


def _reliability(scores: Mapping[str, Any]) -> ReliabilityView | None:
    """None where no image has a confidence, or where the file is of before there was such a table."""
    bins = [Bin(**b) for b in scores.get("reliability", ())]
    return ReliabilityView(bins, scores["ece"], scores["without_confidence"]) if bins else None


def _tiles(scores: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(name, value, note): the three agreements with their 95 % intervals, then what else is known."""
    tiles = [
        (name, _decimal(scores[key]), f"95 %: {_decimal(scores[f'{key}_low'])} to {_decimal(scores[f'{key}_high'])}")
        for name, key in (("Accuracy", "acc"), ("ARI", "ari"), ("NMI", "nmi"))
    ]
    if scores["silhouette"] is not None:
        tiles.append(("Silhouette", _decimal(scores["silhouette"]), "of the vectors, \u22121 to 1"))
    if scores.get("prompt_acc") is not None:
        tiles.append(("Prompt accuracy", _decimal(scores["prompt_acc"]), "nearest prompt is that of the true class"))
    others = [f"{scores[k]:,} {word}" for k, word in (("off_list", "off-list"), ("failed", "failed")) if scores[k]]
    return [*tiles, ("Unassigned", f"{scores['unassigned']:,}", ", ".join(others))]


def _decimal(value: float) -> str:
    return f"{value:.3f}".replace("-", "\u2212")


def _heat(name: str, counts: Sequence[int], clusters: Sequence[str], matched: str | None) -> HeatRow:
    n = sum(counts)
    heats = [max(1, round(_HEATS * count / n)) if count else 0 for count in counts]
    hits = [cluster == matched for cluster in clusters]
    return HeatRow(name, n, list(zip(counts, heats, hits, strict=True)))
