"""The best row as a picture: where its images lie, by their true classes and by the clusters found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ictc.backends import Backends
from ictc.compare.cells import Question, SteadyPlacer, cell_keys, look
from ictc.compare.filling import Cell, lane_of
from ictc.compare.table import TRUE, arranged, number, told_apart
from ictc.errors import UsageError
from ictc.fingerprint import code_digest
from ictc.images.sources import Source
from ictc.interfaces import no_tick
from ictc.lane.reasoner import LaneReasoner
from ictc.lane.strategies import IMAGE_ONLY
from ictc.maps.figure import FORMATS, draw
from ictc.maps.methods import positions
from ictc.maps.panel import panel_of
from ictc.means import Lane, Means
from ictc.progress import Watch
from ictc.report.map import sample
from ictc.spending.meter import Meter
from ictc.store import Store, content_key
from ictc.text import printable, shortened

_LONGEST = 80


def best_cell(rows: Sequence[dict[str, Any]], sort: str) -> tuple[Cell, str, str] | None:
    """The best cell of the best row by what is sorted by (by ARI, where that needs no truth), what the row is called,
    and that cell's score; None where no row has one. `rows`: in the order of their lanes."""
    by = sort if sort in TRUE else "ari"
    first = arranged(rows, by)[0]
    scored = [cell for cell in first["cells"] if cell.get(by) is not None]
    if not scored:
        return None
    top = max(scored, key=lambda cell: float(cell[by]))
    place = next(i for i, row in enumerate(rows) if row is first)
    row = told_apart(rows)[place]
    strategy = "" if row["strategy"] == IMAGE_ONLY else f"{row['strategy']} {row['pairing']} {row['fusion']}"
    space = "" if row["space"] == Lane().space else row["space"]
    seed = f"seed {top['seed']}" if len(scored) > 1 else ""
    marked = "supervised" if row["supervised"] else ""
    name = ", ".join(x for x in (row["embedder"], strategy, space, row["clusterer"], seed, marked) if x)
    return Cell(place, top["seed"]), name, f"K {top['k']}; {by.upper()} {number(top[by])}"


def pictures(
    best: tuple[Cell, str, str],
    lanes: Sequence[Lane],
    means: Means,
    source: Source,
    asked: Question,
    store: Store,
    seed: int,
    watch: Watch,
) -> Mapping[str, bytes]:
    """By form of file, the t-SNE of the vectors that were clustered, in two panels. Nothing is embedded or clustered
    for it; `source` has the images that were. Positions are kept in the store. Without any where all lie on one spot.
    """
    cell, name, score = best
    assert means.lane
    means = replace(means, lane=replace(means.lane, recompute=False))
    seen = look(Backends(means, store, Meter()), source, asked.criterion, no_tick)
    lane = replace(lane_of(lanes, cell, asked), recompute=False)
    placer = SteadyPlacer(seen.placer.embedder, lane, texts_only=seen.placer.texts_only)
    done = LaneReasoner(placer, lane, store).grouped(seen.descriptions, asked.criterion, asked.k)
    vectors, images = done.placed.rows, seen.images
    rows = sample(len(vectors))
    code = code_digest("ictc.report.map", "ictc.maps.methods")
    key = content_key("compare-map/1", cell=cell_keys(seen, [lane], asked)[0], seed=seed, code=code)
    kept = store.get_json([key])
    with watch("map", len(rows)) as tick:
        try:
            xy = np.asarray(kept[key]) if kept else positions(vectors[rows], "tsne", seed)
        except UsageError:  # fewer than five, or all the same
            return {}
        tick(len(rows))
    if not kept:
        store.put_json([(key, xy.tolist())])
    clusters = {i: f"cluster {g + 1}" if g >= 0 else None for i, g in zip(images, done.groups.tolist(), strict=True)}
    shown = [images[i] for i in rows]
    head = shortened(printable(name), _LONGEST)
    some = f", {len(shown):,} of {len(images):,} images" if len(shown) < len(images) else ""
    part = " of the test part" if asked.test else ""
    titles = (f"{head}\nby true class; t-SNE{some}", f"{head}\nby found cluster, {score}{part}")
    known: Mapping[str, str | None] = dict(asked.classes)
    panels = [
        panel_of(titles[0], xy, shown, known, known, len(images), "without a class"),
        panel_of(titles[1], xy, shown, clusters, known, len(images), "outliers"),
    ]
    return {form: draw([panels], form) for form in FORMATS}
