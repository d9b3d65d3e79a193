"""Which cells there are, and the numbers of each: from the store, or computed now and kept at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, NamedTuple

from ictc.backends import Backends
from ictc.compare.cells import Question, Seen, SteadyPlacer, cell_keys, cell_of, look
from ictc.compare.grid import drawn
from ictc.errors import ModelGone, StepError, UsageError
from ictc.images.sources import Source
from ictc.lane.checking import check_lane
from ictc.lane.split import check_classes, showing
from ictc.means import Lane, Means
from ictc.progress import Watch
from ictc.spending.meter import Meter
from ictc.store import Store


class Cell(NamedTuple):
    """A row with one seed; None where no seed changes it."""

    row: int
    seed: int | None


@dataclass
class Filled:
    """What is known so far: of each cell its numbers, or why it has none; and how each embedder saw the images."""

    numbers: dict[Cell, dict[str, Any]] = field(default_factory=dict)
    reasons: dict[Cell, str] = field(default_factory=dict)
    embedders: list[dict[str, Any]] = field(default_factory=list)
    computed: int = 0


def refusal(lane: Lane, k: int | None, classes: Mapping[str, str]) -> str:
    """Why a way cannot be gone at all; "" where nothing speaks against it."""
    try:
        check_lane(lane, k)
        if lane.supervised and lane.prompt_set:
            check_classes(classes.values(), lane.prompt_set)
    except UsageError as e:
        return _said(e)
    return ""


def cells_of(lanes: Sequence[Lane], asked: Question, seeds: Sequence[int]) -> tuple[list[Cell], dict[Cell, str]]:
    """All cells, and those that are refused from the outset."""
    cells, refused = list[Cell](), dict[Cell, str]()
    for row, lane in enumerate(lanes):
        own = [Cell(row, seed) for seed in dict.fromkeys(seeds)] if drawn(lane, asked.k) else [Cell(row, None)]
        cells += own
        if why := refusal(lane, asked.k, asked.classes):
            refused |= dict.fromkeys(own, why)
    return cells, refused


def fill(
    found: Filled,
    cells: Sequence[Cell],
    lanes: Sequence[Lane],
    means: Means,
    source: Source,
    asked: Question,
    store: Store,
    watch: Watch,
    tell: Callable[[str], None],
    meter: Meter,
) -> None:
    """The cells of one embedder, that of `means`. Images and prompts are embedded once; a cell is committed as soon as
    it is done, so that a kill loses one at most."""
    assert means.lane
    backends = Backends(means, store, meter)
    facts: dict[str, Any] = {"embedder": means.lane.embedder, "images": 0, "failed": 0, "codes": {}, "failures": []}
    found.embedders.append(facts)
    try:
        with watch("embed", len(source.items)) as tick:
            seen = look(backends, source, asked.criterion, tick)
    except (UsageError, StepError, ModelGone) as e:
        found.reasons |= dict.fromkeys(cells, _said(e))
        return
    failures = [{"image": f.image, "code": f.code, "message": f.message} for f in seen.failures]
    codes = dict(Counter(f.code for f in seen.failures).most_common())
    facts |= {"images": len(seen.descriptions), "failed": len(failures), "codes": codes, "failures": failures}
    keys = dict(zip(cells, cell_keys(seen, [lane_of(lanes, c, asked) for c in cells], asked), strict=True))
    stored = {} if means.lane.recompute else store.get_json(list(keys.values()))
    found.numbers |= {cell: stored[key] for cell, key in keys.items() if key in stored}
    missing = sorted((c for c in cells if c not in found.numbers), key=lambda c: _placement(lane_of(lanes, c, asked)))
    if not missing:
        return
    with watch("compare", len(missing)) as tick:
        for _, together in groupby(missing, key=lambda c: _placement(lane_of(lanes, c, asked))):
            part = list(together)
            placer = SteadyPlacer(
                seen.placer.embedder, lane_of(lanes, part[0], asked), texts_only=seen.placer.texts_only
            )
            for cell in part:
                _one(found, cell, keys[cell], seen, placer, lane_of(lanes, cell, asked), asked, store, tell)
                tick(1)


def _one(
    found: Filled,
    cell: Cell,
    key: str,
    seen: Seen,
    placer: SteadyPlacer,
    lane: Lane,
    asked: Question,
    store: Store,
    tell: Callable[[str], None],
) -> None:
    try:
        numbers = cell_of(seen, placer, lane, asked, store, tell)
    except (UsageError, StepError) as e:  # not kept: memory, packages and files may be there the next time
        found.reasons[cell] = _said(e)
        return
    store.put_json([(key, numbers)])
    found.numbers[cell] = numbers
    found.computed += 1


def lane_of(lanes: Sequence[Lane], cell: Cell, asked: Question) -> Lane:
    lane = replace(lanes[cell.row], seed=cell.seed or 0)
    if not lane.supervised:
        return lane
    if asked.test:  # one split for all rows
        return replace(lane, shown={image: name for image, name in asked.classes.items() if image not in asked.test})
    return showing(lane, asked.classes)


def _placement(lane: Lane) -> tuple[Any, ...]:
    """What decides where images lie, before any clusterer is asked."""
    seed = lane.seed if lane.supervised else -1
    return lane.strategy, lane.pairing, lane.fusion, lane.weight, lane.space, seed


def _said(error: UsageError | StepError | ModelGone) -> str:
    return " ".join(part for part in (error.message, error.hint) if part)
