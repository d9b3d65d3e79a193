"""From cells to one row for each way: mean and sample standard deviation over the seeds, the best row first."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from math import inf
from statistics import fmean, stdev
from typing import Any

from ictc.compare.cells import DIGITS
from ictc.compare.grid import AXES
from ictc.lane.strategies import IMAGE_ONLY
from ictc.means import Lane

SCORES = ("acc", "ari", "nmi", "prompt_acc", "silhouette")
MEASURES = ("k", *SCORES, "unassigned")
SECONDS = "seconds"
GIVEN = "given"
TRUE = ("acc", "ari", "nmi")
"""Measures that need a truth; the one by which rows are sorted stands first."""
SORTS = (GIVEN, *SCORES, SECONDS)


def row_of(
    lane: Lane, cells: Sequence[Mapping[str, Any]], reasons: Mapping[int | None, str], of: int
) -> dict[str, Any]:
    """`cells`: those that were done, of `of` that there are; `reasons`: why a seed has none.

    A measure is {"mean", "sd"}; sd is null for one run alone, as of a clusterer that draws nothing. Where a cell lacks
    a number (the silhouette of one group) it is of the others.
    """
    return {
        **_axes(lane),
        "params": dict(lane.params),
        "supervised": lane.pairing == "label",
        "runs": len(cells),
        "of": of,
        **{name: _spread([c[name] for c in cells if c.get(name) is not None]) for name in MEASURES},
        SECONDS: _spread([c[SECONDS] for c in cells]),
        "reasons": [
            {"seeds": [s for s, said in reasons.items() if said == why], "reason": why}
            for why in dict.fromkeys(reasons.values())
        ],
        "cells": [dict(c) for c in cells],
    }


def _axes(lane: Lane) -> dict[str, Any]:
    """What a row is of; null where an axis does not bear on it."""
    alone = lane.strategy == IMAGE_ONLY
    return {
        "embedder": lane.embedder,
        "strategy": lane.strategy,
        "pairing": None if alone else lane.pairing,
        "fusion": None if alone else lane.fusion,
        "weight": None if alone or lane.fusion == "mean" else lane.weight,
        "space": lane.space,
        "clusterer": lane.clusterer,
    }


def _spread(values: Sequence[float]) -> dict[str, float | None] | None:
    if not values:
        return None
    sd = round(stdev(values), DIGITS) if len(values) > 1 else None
    return {"mean": round(fmean(values), DIGITS), "sd": sd}


def arranged(rows: Sequence[dict[str, Any]], by: str) -> list[dict[str, Any]]:
    """The best first (the fastest, for seconds), equal ones as given; supervised rows after all that are not, since
    they cannot be compared with them; rows without that number last of each."""

    def place(row: dict[str, Any]) -> tuple[bool, float]:
        found = row[by]["mean"] if by != GIVEN and row[by] else None
        if by == GIVEN:
            return row["supervised"], 0.0
        if found is None:
            return row["supervised"], inf
        return row["supervised"], found if by == SECONDS else -found

    return sorted(rows, key=place)


def told_apart(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows to be shown: a clusterer that is there with several parameters has these beside its name."""
    made: dict[str, set[str]] = {}
    for row in rows:
        made.setdefault(row["clusterer"], set()).add(_params(row))
    several = {clusterer for clusterer, params in made.items() if len(params) > 1}
    return [
        {**row, "clusterer": f"{row['clusterer']} {_params(row)}".strip()} if row["clusterer"] in several else dict(row)
        for row in rows
    ]


def led(names: Sequence[str], sort: str) -> list[str]:
    """Measures in their order, but of those that need a truth the one first by which rows are sorted."""
    if sort not in TRUE or sort not in names:
        return list(names)
    rest = [name for name in names if name != sort]
    place = next((i for i, name in enumerate(rest) if name in TRUE), names.index(sort))
    return [*rest[:place], sort, *rest[place:]]


def varying(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The axes along which rows differ; the clusterer where they do not."""
    found = [axis for axis in AXES if len({row[axis] for row in rows} - {None}) > 1]
    return found or ["clusterer"]


def same(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What all rows have in common that an axis bears on."""
    there = varying(rows)
    common = {axis: next((row[axis] for row in rows if row[axis] is not None), None) for axis in AXES}
    return {axis: value for axis, value in common.items() if axis not in there and value is not None}


def best(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The best mean of each score, supervised rows apart; silhouettes of several embedders have none."""
    free = [row for row in rows if not row["supervised"]]
    several = len({row["embedder"] for row in free}) > 1
    names = [name for name in SCORES if not (several and name == "silhouette")]
    means = {name: [row[name]["mean"] for row in free if row[name]] for name in names}
    return {name: max(values) for name, values in means.items() if values}


def test_part(facts: Mapping[str, Any]) -> str:
    """What scores are of, where it is a part of the images; "" where it is all of them."""
    test = facts.get("test")
    if not test:
        return ""
    return (
        f"Scores and silhouettes are of the test part alone: {test['images']:,} of {facts['n']:,} images "
        f"({test['share']:g} of each class, seed {facts['seed']})."
    )


def sampled(facts: Mapping[str, Any]) -> list[str]:
    """Which images were taken, where it is not all."""
    count, apart = facts.get("per_class"), facts.get("held_apart")
    drawn = f"A sample: {count:,} images of each class, drawn with the seed {facts['seed']}." if count else ""
    trained = ", ".join(apart["trained"]) if apart else ""
    held = f"Held apart: {apart['images']:,} images that {trained} was trained on are in no row." if apart else ""
    return [line for line in (drawn, held) if line]


def number(value: float) -> str:
    """Three decimals; zero has no sign."""
    return f"{value:.3f}".replace("-0.000", "0.000")


def shown_measures(rows: Sequence[Mapping[str, Any]], sort: str = "") -> list[str]:
    """The measures that any row has."""
    return [name for name in led(MEASURES, sort) if any(row[name] for row in rows)]


def rows_csv(rows: Sequence[Mapping[str, Any]], sort: str, common: Mapping[str, Any]) -> str:
    """A line for each row; `common` are facts of all of them."""
    measures = [(m, x) for m in led(MEASURES, sort) for x in ("mean", "sd")]
    head = [*AXES, "params", "supervised", "runs", *(f"{m}_{x}" for m, x in measures), "reason", *common]
    lines = []
    for row in rows:
        numbers = [(row[m] or {}).get(x) for m, x in measures]
        reasons = " ".join(r["reason"] for r in row["reasons"])
        lines.append([*_told(row), row["supervised"], row["runs"], *numbers, reasons, *common.values()])
    return _csv(head, lines)


def cells_csv(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """A line for each cell, with the measures `names`."""
    head = [*AXES, "params", "seed", *names]
    lines = [[*_told(row), c["seed"], *(c.get(name) for name in names)] for row in rows for c in row["cells"]]
    return _csv(head, lines)


def _told(row: Mapping[str, Any]) -> list[Any]:
    return [*(row[axis] for axis in AXES), _params(row)]


def _params(row: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in row["params"].items())


def _csv(head: Sequence[str], lines: Sequence[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(lines)
    return out.getvalue()
