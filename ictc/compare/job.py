"""What `ictc compare` does: every cell that is not in the store yet, then the table and the figure of all of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ictc import job
from ictc.backends import Backends, check_lane_specs
from ictc.compare.best import best_cell, pictures
from ictc.compare.cells import Question
from ictc.compare.figure import draw
from ictc.compare.filling import Cell, Filled, cells_of, fill, refusal
from ictc.compare.grid import AXES, Grid, check_grid
from ictc.compare.lab import SEED
from ictc.compare.sampling import Chosen, check_classes, check_sampling, choose
from ictc.compare.table import GIVEN, MEASURES, SECONDS, SORTS, arranged, cells_csv, row_of, rows_csv
from ictc.errors import ModelGone, StepError, UsageError
from ictc.files import write_atomic
from ictc.images.sources import Source
from ictc.interfaces import Trained
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
from ictc.store import Store

NAME = "compare"
CLASSES = -1
"""As K: as many as the truth has classes."""
_WITHOUT = ("silhouette", SECONDS, GIVEN)
_ASKED = ("images", "n", "criterion", "k", "truth", "seeds", "seed", "per_class", "test", "held_apart")


@dataclass(frozen=True)
class Asked:
    """`k` None chooses K, as `ictc cluster` does; CLASSES takes the truth's. `sort`: one of SORTS, "" for the accuracy
    (in the `lab` ARI) or, without a truth, the silhouette. `seed`: of the sample of `per_class` images, of the split
    off of `test_share` of them, and of the map."""

    images: str
    grid: Grid
    criterion: str
    k: int | None = None
    truth: str | None = None
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    sort: str = ""
    lab: bool = False
    seed: int = SEED
    per_class: int | None = None
    test_share: float | None = None
    options: ModelOptions = field(default_factory=ModelOptions)
    prices: tuple[str, ...] = ()


def compare(
    asked: Asked,
    folder: Path,
    watch: Watch = unwatched,
    tell: Callable[[str], None] = quiet,
    meter: Meter | None = None,
) -> dict[str, Any]:
    """Writes compare.json, compare.csv, compare_cells.csv, compare_seconds.csv, compare.png and compare.svg, and in the
    lab with a truth compare_tsne.png and compare_tsne.svg, into `folder`, a run folder that is made when missing, and
    gives what is in them. They take the place of those of an earlier comparison, which is told. Seconds are in a file
    of their own, so that all others come out the same whenever and however often they were computed.

    What cannot be done has a reason in place of numbers. `meter`: counts what embedders ask of models.

    Raises:
        UsageError: what was asked cannot be, or none of it can be done. InputError: images or truth.
        RunError, StorageFull: the folder; BudgetSpent: the meter's limits. What was computed before stays.
    """
    _check(asked)
    meter = meter or Meter()
    first = Means(lane=Lane(embedder=asked.grid.embedders[0]), options=asked.options, prices=asked.prices)
    resolved, source = job.resolve(job.Asked(asked.images, asked.criterion, None, first))
    chosen = _chosen(asked, source, resolved.means, meter)
    _tell_left_out(chosen, len(source.items), tell)
    source, classes = chosen.source, chosen.classes
    k = len(set(classes.values())) if asked.k == CLASSES else asked.k
    question = Question(asked.criterion, k, classes, chosen.test)
    job.check_size(question.k, source)
    lanes = [x for x in asked.grid.lanes() if not (asked.grid.usual and refusal(x, question.k, classes))]
    cells, refused = cells_of(lanes, question, asked.seeds)
    if len(refused) == len(cells):
        check_lane(lanes[0], question.k)
    found = Filled(reasons=refused)
    run = RunFolder(folder, create=True)
    with run.open_store() as store:
        for embedder in asked.grid.embedders:
            means = _means(asked, resolved.means, embedder)
            own = [c for c in cells if lanes[c.row].embedder == embedder and c not in refused]
            fill(found, own, lanes, means, source, question, store, watch, tell, meter)
        rows = [_row(i, lane, cells, found) for i, lane in enumerate(lanes)]
        sort = asked.sort or (("ari" if asked.lab else "acc") if asked.truth else "silhouette")
        facts = {**_facts(asked, question, chosen, found, sort), "rows": arranged(rows, sort)}
        best = best_cell(rows, sort) if asked.lab and classes else None
        maps: Mapping[str, bytes] = {}
        if best:
            means = _means(asked, resolved.means, lanes[best[0].row].embedder)
            there = _embedded(source, found, lanes[best[0].row].embedder)
            maps = pictures(best, lanes, means, there, question, store, asked.seed, watch)
        replaced = _earlier(folder, facts)
        if replaced:
            tell(replaced)
        files = _write(folder, facts, maps)
    told = {"computed": found.computed, "cells": len(found.numbers), "replaced": bool(replaced)}
    return {"run": str(folder), **told, **facts, "files": files}


def _check(asked: Asked) -> None:
    check_grid(asked.grid)
    check_sampling(asked.per_class, asked.test_share, asked.truth)
    check_seed(asked.seed)
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


def _means(asked: Asked, means: Means, embedder: str) -> Means:
    lane = Lane(embedder=embedder, recompute=asked.grid.recompute, criterion=asked.criterion)
    return replace(means, lane=lane)


def _chosen(asked: Asked, source: Source, means: Means, meter: Meter) -> Chosen:
    """The images of all rows."""
    seen: dict[str, frozenset[str]] = {}
    for embedder in asked.grid.embedders:
        with Store(None) as nothing, suppress(UsageError, StepError, ModelGone):  # its rows will say why
            made = Backends(_means(asked, means, embedder), nothing, meter).placer().embedder
            if isinstance(made, Trained) and made.seen:
                seen[embedder] = made.seen
    chosen = choose(source, _classes(asked, source), seen, asked.per_class, asked.test_share, asked.seed)
    if asked.lab or asked.per_class is not None or asked.test_share is not None:
        check_classes(chosen.classes)
    return chosen


def _tell_left_out(chosen: Chosen, of: int, tell: Callable[[str], None]) -> None:
    if chosen.left_out:
        tell(
            f"{chosen.left_out:,} of {of:,} images are left out of all rows, which {', '.join(chosen.apart)} was "
            "trained on: scores on them would flatter."
        )


def _embedded(source: Source, found: Filled, embedder: str) -> Source:
    """Without what failed, which nobody need try again."""
    facts = next(one for one in found.embedders if one["embedder"] == embedder)
    failed = {one["image"] for one in facts["failures"]}
    return replace(source, items=[item for item in source.items if item.name not in failed], failures=[])


def _earlier(folder: Path, facts: Mapping[str, Any]) -> str:
    """What to say of the table of another comparison whose place this one takes; "" where there is none."""
    try:
        kept = json.loads((folder / f"{NAME}.json").read_text("utf-8"))
        same = _identity(kept) == _identity(facts)
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    if same:
        return ""
    rows = f"{len(kept['rows']):,} row{'s' * (len(kept['rows']) > 1)}"
    return (
        f"{folder / f'{NAME}.json'} and its table were of another comparison ({rows}) and are "
        "replaced. Its cells stay in the store: the same command again brings it back at once. To keep both: -o OTHER"
    )


def _identity(facts: Mapping[str, Any]) -> str:
    """Of what a table is, whatever came out."""
    asked = {name: facts[name] for name in _ASKED}
    rows = sorted(json.dumps([[row[axis] for axis in AXES], row["params"]]) for row in facts["rows"])
    return json.dumps([asked, rows], sort_keys=True)


def _row(number: int, lane: Lane, cells: Sequence[Cell], found: Filled) -> dict[str, Any]:
    own = [c for c in cells if c.row == number]
    done = [{"seed": c.seed, **found.numbers[c]} for c in own if c in found.numbers]
    return row_of(lane, done, {c.seed: found.reasons[c] for c in own if c in found.reasons}, len(own))


def _facts(asked: Asked, question: Question, chosen: Chosen, found: Filled, sort: str) -> dict[str, Any]:
    """What holds for all rows."""
    source, test = chosen.source, chosen.test
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
        "seed": asked.seed,
        "per_class": asked.per_class,
        "test": {"share": asked.test_share, "images": len(test)} if test else None,
        "held_apart": {"images": chosen.left_out, "trained": dict(chosen.apart)} if chosen.left_out else None,
        "lab": asked.lab,
        "sort": sort,
        "supervised": {"note": SUPERVISED, "test_share": asked.test_share or SHARE} if label else None,
        "embedders": found.embedders,
    }


def _write(folder: Path, facts: Mapping[str, Any], maps: Mapping[str, bytes]) -> list[str]:
    """All files of the comparison; the paths written. A map of an earlier one goes."""
    rows, sort = facts["rows"], facts["sort"]
    scored = facts["test"]["images"] if facts["test"] else facts["n"] - (facts["without_class"] or 0)
    apart = facts["held_apart"]["images"] if facts["held_apart"] else 0
    common = {"images": facts["n"], "scored": scored if facts["truth"] else 0, "held_apart": apart}
    timeless = [_without_seconds(row) for row in rows]
    files: dict[str, bytes | str] = {
        f"{NAME}.json": json.dumps({**facts, "rows": timeless}, indent=2, ensure_ascii=False) + "\n",
        f"{NAME}.csv": rows_csv(rows, sort, common),
        f"{NAME}_cells.csv": cells_csv(rows, MEASURES),
        f"{NAME}_seconds.csv": cells_csv(rows, [SECONDS]),
        **{f"{NAME}.{form}": draw({**facts, "rows": timeless}, form) for form in FORMATS},
        **{f"{NAME}_tsne.{form}": picture for form, picture in maps.items()},
    }
    for form in FORMATS:
        if form not in maps:
            (folder / f"{NAME}_tsne.{form}").unlink(missing_ok=True)
    for name, content in files.items():
        write_atomic(folder / name, content)
    return [str(folder / name) for name in files]


def _without_seconds(row: Mapping[str, Any]) -> dict[str, Any]:
    cells = [{name: value for name, value in cell.items() if name != SECONDS} for cell in row["cells"]]
    return {**{name: value for name, value in row.items() if name != SECONDS}, "cells": cells}
