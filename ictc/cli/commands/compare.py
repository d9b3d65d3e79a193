"""`ictc compare`: ways of the embedding lane side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ictc.cli import compare_options as c
from ictc.cli import lane_options as lane_
from ictc.cli import options as o
from ictc.cli.commands.cluster import CRITERION
from ictc.cli.commands.embed import MODELS
from ictc.cli.console import error_json, fail, out, print_json, say, show_line, watching
from ictc.cli.model_options import Given, spent_json, with_models
from ictc.cli.tables import cell
from ictc.errors import EXIT_PARTIAL, StepError

_CALLED = {"k": "K", "acc": "ACC", "ari": "ARI", "nmi": "NMI", "prompt_acc": "prompt ACC", "unassigned": "outliers"}
_COUNTS = ("k", "unassigned")
_NAMED = 4
_SAID = 6
_SPARE = ("runs", "seconds", "unassigned", "prompt_acc", "k", "silhouette", "ari")
"""What a narrow terminal does without, in that order."""


@with_models(only=MODELS)
def compare(
    images: o.Images,
    given: Given,
    truth: c.Truth = None,
    k: c.K = None,
    prompts: lane_.Prompts = None,
    strategy: c.Strategies = None,
    clusterer: c.Clusterers = None,
    embedder: c.Embedders = None,
    features: c.Features = None,
    pairing: c.Pairings = None,
    fusion: c.Fusions = None,
    weight: c.Weights = None,
    space: c.Spaces = None,
    seeds: c.Seeds = None,
    seed_list: c.SeedList = None,
    seed: c.Seed = None,
    per_class: c.PerClass = None,
    test_share: c.TestShare = None,
    param: c.Param = None,
    criterion: c.Criterion = CRITERION,
    sort: c.Sort = "",
    recompute: c.Recompute = False,
    output: c.Output = Path("compare"),
    json_output: o.Json = False,
) -> None:
    """Compare ways of clustering IMAGES: strategies x clusterers x seeds, and embedders, pairings, fusions.

    --features instead of --embedder is the feature lab: DBSCAN too, one seed, ARI first, a map of the best row.
    One table and one figure: mean and deviation over the seeds. A row is what `ictc cluster` and `ictc score` give with
    the same options. Nothing is computed twice: killed, or with more values, it goes on with what is missing.
    """
    from ictc.compare.job import CLASSES, Asked, compare
    from ictc.compare.lab import ALL, SEED
    from ictc.compare.lab import lacking as not_installed
    from ictc.means import Means, changed

    grid = c.grid_of(
        prompts, strategy, clusterer, embedder, features, pairing, fusion, weight, space, param, truth, recompute
    )  # fmt: skip
    lab = bool(features)
    k = k or (c.OF_TRUTH if lab and truth else o.AUTO)
    wanted = CLASSES if k == c.OF_TRUTH else o.k_value(k)
    own = SEED if seed is None else seed
    of_clusterers = c.seeds_of(seeds, seed_list, own if lab else seed)
    means, meter = changed(Means(), given.means), given.meter()
    asked = Asked(
        images, grid, criterion, wanted, truth, of_clusterers, sort, lab, own, per_class, test_share, means.options,
        means.prices,
    )  # fmt: skip
    if ALL in (features or ()) and (left_out := not_installed()):
        say(left_out)
    told: dict[str, None] = {}

    def tell_once(message: str) -> None:
        if message not in told:
            told[message] = None
            say(message)

    found = compare(asked, output, watching(meter), tell_once, meter)
    rows = found["rows"]
    none = not any(row["runs"] for row in rows)
    error = StepError("Not one row has numbers.", rows[0]["reasons"][0]["reason"]) if none else None
    lacking = [one for one in found["embedders"] if one["failed"]]
    exit_code = EXIT_PARTIAL if lacking or any(row["reasons"] for row in rows) else 0
    if json_output:
        print_json({**found, **spent_json(meter), **(error_json(error) if error else {"exit": exit_code})})
    else:
        _show(found)
    for one in lacking:
        first = one["failures"][0]
        codes = ", ".join(f"{code}: {count}" for code, count in one["codes"].items())
        many = f"{one['failed']} of {found['n']} images failed ({codes})"
        say(f"{one['embedder']}: {many}; {first['image']}: {first['message']}")
    if error:
        fail(error, as_json=False)
    if exit_code:
        raise typer.Exit(exit_code)


def _show(found: dict[str, Any]) -> None:
    from ictc.compare.table import SECONDS, shown_measures, told_apart, varying

    rows, console, sort = told_apart(found["rows"]), out(), found["sort"]
    runs = [] if found["lab"] and len(found["seeds"]) == 1 else ["runs"]
    axes, names = varying(rows), [*runs, *shown_measures(rows, sort), SECONDS]
    table = _table(rows, axes, names)
    room = console.width if console.is_terminal else 1000
    spares = [spare for spare in _SPARE if spare != sort]
    for spare in spares:
        if _width(console, table) <= room:
            break
        names = [name for name in names if name != spare]
        table = _table(rows, axes, names)
    console.width = max(console.width, _width(console, table))
    console.print(table)
    _explain(found, axes, [name for name in spares if name not in names and name in shown_measures(rows)])


def _width(console: Console, table: Table) -> int:
    return console.measure(table, options=console.options.update(width=1000)).maximum


def _table(rows: Sequence[dict[str, Any]], axes: Sequence[str], names: Sequence[str]) -> Table:
    from ictc.compare.table import best, same

    common = ", ".join(f"{axis} {value}" for axis, value in same(rows).items())
    table = Table(
        title=cell(common, 75, "italic"), title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
    )
    for axis in axes:
        table.add_column(axis, no_wrap=True)
    for name in names:
        table.add_column(_CALLED.get(name, name), justify="right", no_wrap=True)
    top = best(rows)
    for before, row in zip([None, *rows], rows, strict=False):
        if before and row["supervised"] and not before["supervised"]:
            table.add_section()
        named = [cell("" if row[axis] is None else str(row[axis]), 40) for axis in axes]
        if row["supervised"]:
            named[-1].append(" (supervised)")
        best_of = {} if row["supervised"] else top
        table.add_row(*named, *(_number(name, row[name], best_of.get(name)) for name in names))
    return table


def _number(name: str, value: Any, top: float | None) -> Text:
    from ictc.compare.table import number

    if name == "runs":
        return Text(str(value))
    if value is None:
        return Text("-", "dim")
    mean, sd = value["mean"], value["sd"]
    if name in _COUNTS:
        return Text(f"{mean:.1f} ±{sd:.1f}" if sd else f"{mean:g}")
    if name == "seconds":
        return Text(f"{mean:.2f}")
    shown = number(mean) if sd is None else f"{number(mean)} ±{sd:.3f}".replace("±0.", "±.")
    return Text(shown, "bold" if mean == top else "")


def _explain(found: dict[str, Any], axes: Sequence[str], left_out: Sequence[str]) -> None:
    """How to read the table, and why rows lack numbers."""
    from ictc.compare.table import sampled, test_part, told_apart

    several = f"{len(found['seeds'])} seeds: mean ± sample standard deviation. What draws nothing ran once."
    how = several if len(found["seeds"]) > 1 or not found["lab"] else f"seed {found['seeds'][0]}."
    own = "Silhouettes are of the images' own vectors, seconds of clustering alone."
    show_line(f"{found['n']:,} images, {how} {own}")
    for line in (test_part(found), *sampled(found)):
        if line:
            show_line(line)
    if "embedder" in axes:
        show_line("Between embedders silhouettes cannot be compared: each has a space of its own.")
    if left_out:
        show_line(f"Too narrow for {', '.join(_CALLED.get(name, name) for name in left_out)}: see compare.csv.")
    if not found["truth"]:
        show_line(
            "Without --truth there is no ACC, ARI and NMI: a silhouette says how far apart groups are, not whether "
            "they are the right ones."
        )
    elif found["without_class"]:
        show_line(f"{found['without_class']} images have no class in the truth and are left out of ACC, ARI and NMI.")
    if found["supervised"]:
        show_line(found["supervised"]["note"])
    said: dict[str, dict[str, None]] = {}
    apart: dict[str, dict[str, None]] = {}
    for row in told_apart(found["rows"]):
        name = " ".join(str(row[axis]) for axis in axes if row[axis] is not None)
        for why in row["reasons"]:
            some = f" ({len(why['seeds'])} of {row['of']} seeds)" if row["runs"] else ""
            said.setdefault(f"no numbers: {why['reason']}", {})[name + some] = None
        for one in row["cells"]:
            if one["silhouette"] is None:
                apart.setdefault(f"K {one['k']}, no silhouette. {' '.join(one['notes'])}", {})[name] = None
    lines, room = list({**said, **apart}.items()), max(_SAID, len(said))
    for message, names in lines[:room]:
        more = f" and {len(names) - _NAMED} more rows" if len(names) > _NAMED else ""
        show_line(f"{'; '.join(list(names)[:_NAMED])}{more}: {message}")
    if len(lines) > room:
        show_line(f"And {len(lines) - room} more without a silhouette: see compare.json.")
    show_line(f"table and figure: {', '.join(found['files'])}")
