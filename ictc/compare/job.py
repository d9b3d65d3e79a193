"""What `ictc compare` does: every cell that is not in the store yet, then the table and the figure of all of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ictc import job
from ictc.backends import check_lane_specs
from ictc.compare.cells import Question
from ictc.compare.figure import draw
from ictc.compare.filling import Cell, Filled, cells_of, fill, refusal
from ictc.compare.grid import Grid, check_grid
from ictc.compare.table import GIVEN, MEASURES, SECONDS, SORTS, arranged, cells_csv, row_of, rows_csv
from ictc.errors import UsageError
from ictc.files import write_atomic
from ictc.images.sources import Source
from ictc.lane.checking import check_lane, check_seed
from ictc.lane.clusterers import quiet
from ictc.lane.reasoner import SUPERVISED
from ictc.lane.split import SHARE
from ictc.maps.figure import FORMATS
from ictc.means import OFFLINE, Lane, Means
from ictc.modeloptions import ModelOptions
from ictc.progress import Watch, unwatched
from ictc.runfolder import RunFolder
from ictc.scoring.truth import read_truth
from ictc.spending.meter import Meter

NAME = "compare"
CLASSES = -1
"""As K: as many as the truth has classes."""
_WITHOUT = ("silhouette", SECONDS, GIVEN)


@dataclass(frozen=True)
class Asked:
    """`k` None chooses K, as `ictc cluster` does; CLASSES takes the truth's. `sort`: one of SORTS, "" for the accuracy
    or, without a truth, the silhouette."""

    images: str
    grid: Grid
    criterion: str
    k: int | None = None
    truth: str | None = None
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    sort: str = ""
    options: ModelOptions = field(default_factory=ModelOptions)
    prices: tuple[str, ...] = ()


def compare(
    asked: Asked,
    folder: Path,
    watch: Watch = unwatched,
    tell: Callable[[str], None] = quiet,
    meter: Meter | None = None,
) -> dict[str, Any]:
    """Writes compare.json, compare.csv, compare_cells.csv, compare_seconds.csv, compare.png and compare.svg into
    `folder`, a run folder that is made when missing, and gives what is in them. Seconds are in a file of their own, so
    that all others come out the same whenever and however often they were computed.

    What cannot be done has a reason in place of numbers. `meter`: counts what embedders ask of models.

    Raises:
        UsageError: what was asked cannot be, or none of it can be done. InputError: images or truth.
        RunError, StorageFull: the folder; BudgetSpent: the meter's limits. What was computed before stays.
    """
    _check(asked)
    meter = meter or Meter()
    first = Means(lane=Lane(embedder=asked.grid.embedders[0]), options=asked.options, prices=asked.prices)
    resolved, source = job.resolve(job.Asked(asked.images, asked.criterion, None, first))
    classes = _classes(asked, source)
    question = Question(asked.criterion, len(set(classes.values())) if asked.k == CLASSES else asked.k, classes)
    job.check_size(question.k, source)
    lanes = [x for x in asked.grid.lanes() if not (asked.grid.usual and refusal(x, question.k, classes))]
    cells, refused = cells_of(lanes, question, asked.seeds)
    if len(refused) == len(cells):
        check_lane(lanes[0], question.k)
    found = Filled(reasons=refused)
    run = RunFolder(folder, create=True)
    with run.open_store() as store:
        for embedder in asked.grid.embedders:
            lane = Lane(embedder=embedder, recompute=asked.grid.recompute, criterion=asked.criterion)
            means = replace(resolved.means, lane=lane)
            own = [c for c in cells if lanes[c.row].embedder == embedder and c not in refused]
            fill(found, own, lanes, means, source, question, store, watch, tell, meter)
        rows = [_row(i, lane, cells, found) for i, lane in enumerate(lanes)]
        sort = asked.sort or ("acc" if asked.truth else "silhouette")
        facts = {**_facts(asked, question, source, found, sort), "rows": arranged(rows, sort)}
        files = _write(folder, facts)
    return {"run": str(folder), "computed": found.computed, "cells": len(found.numbers), **facts, "files": files}


def _check(asked: Asked) -> None:
    check_grid(asked.grid)
    job.check_k(None if asked.k == CLASSES else asked.k)
    for embedder in asked.grid.embedders:
        check_lane_specs(Lane(embedder=embedder), OFFLINE)
    if not asked.seeds or min(asked.seeds) < 0:
        raise UsageError("There are no seeds, or one is negative.", "For example: --seeds 5, or --seed-list 0,1,2")
    check_seed(max(asked.seeds))
    if asked.sort and asked.sort not in SORTS:
        raise UsageError(f"--sort {asked.sort}: there is no such order.", f"Those there are: {', '.join(SORTS)}.")
    needs = [
        *(["--pairing label"] if "label" in asked.grid.pairings else []),
        *(["-k truth"] if asked.k == CLASSES else []),
        *([f"--sort {asked.sort}"] if asked.sort and asked.sort not in _WITHOUT else []),
    ]
    if needs and not asked.truth:
        raise UsageError(f"{needs[0]} needs the true classes.", "Add: --truth filename | folder | FILE")


def _classes(asked: Asked, source: Source) -> Mapping[str, str]:
    if not asked.truth:
        return {}
    names = dict.fromkeys([*(i.name for i in source.items), *sorted(f.image for f in source.failures)])
    return read_truth(asked.truth, list(names), metadata=source.metadata).classes


def _row(number: int, lane: Lane, cells: Sequence[Cell], found: Filled) -> dict[str, Any]:
    own = [c for c in cells if c.row == number]
    done = [{"seed": c.seed, **found.numbers[c]} for c in own if c in found.numbers]
    return row_of(lane, done, {c.seed: found.reasons[c] for c in own if c in found.reasons}, len(own))


def _facts(asked: Asked, question: Question, source: Source, found: Filled, sort: str) -> dict[str, Any]:
    """What holds for all rows."""
    label = "label" in asked.grid.pairings
    return {
        "images": asked.images,
        "n": len(source.items) + len(source.failures),
        "criterion": asked.criterion,
        "k": question.k,
        "truth": asked.truth,
        "classes": len(set(question.classes.values())) if asked.truth else None,
        "without_class": len(source.items) + len(source.failures) - len(question.classes) if asked.truth else None,
        "seeds": list(asked.seeds),
        "sort": sort,
        "supervised": {"note": SUPERVISED, "test_share": SHARE} if label else None,
        "embedders": found.embedders,
    }


def _write(folder: Path, facts: Mapping[str, Any]) -> list[str]:
    """All files of the comparison; the paths written."""
    rows = facts["rows"]
    timeless = [_without_seconds(row) for row in rows]
    files: dict[str, bytes | str] = {
        f"{NAME}.json": json.dumps({**facts, "rows": timeless}, indent=2, ensure_ascii=False) + "\n",
        f"{NAME}.csv": rows_csv(rows),
        f"{NAME}_cells.csv": cells_csv(rows, MEASURES),
        f"{NAME}_seconds.csv": cells_csv(rows, [SECONDS]),
        **{f"{NAME}.{form}": draw({**facts, "rows": timeless}, form) for form in FORMATS},
    }
    for name, content in files.items():
        write_atomic(folder / name, content)
    return [str(folder / name) for name in files]


def _without_seconds(row: Mapping[str, Any]) -> dict[str, Any]:
    cells = [{name: value for name, value in cell.items() if name != SECONDS} for cell in row["cells"]]
    return {**{name: value for name, value in row.items() if name != SECONDS}, "cells": cells}
