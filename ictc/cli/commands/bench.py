"""`ictc bench`: a published table done again, and the published figures beside ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ictc.cli import options as o
from ictc.cli.asking import dry_run, going_on
from ictc.cli.bench_table import print_benchmark, print_benchmarks
from ictc.cli.commands.cluster import OPTIONS as OF_CLUSTER
from ictc.cli.commands.embed import MODELS
from ictc.cli.console import print_json, say, show_line, watching
from ictc.cli.model_options import Given, with_models
from ictc.cli.outcome import outcome_of
from ictc.errors import EXIT_PARTIAL, UsageError
from ictc.text import command_line

if TYPE_CHECKING:
    from ictc.benchmarks.running import Bench
    from ictc.job import Done
    from ictc.means import Means
    from ictc.progress import Watch
    from ictc.spending.meter import Meter

Name = Annotated[
    str,
    typer.Argument(metavar="[NAME]", envvar="ICTC_NAME", help="A data set; without one: all benchmarks are listed."),
]
Criterion = Annotated[
    str,
    typer.Option(
        "--criterion", "-c", envvar="ICTC_CRITERION", metavar="NAME",
        help=r"Which of the set's criteria. \[default: its first]",
    ),
]  # fmt: skip
Root = Annotated[
    Path,
    typer.Option("--root", envvar="ICTC_ROOT", metavar="DIR", help="Where `ictc data prepare` put the data sets."),
]
WhichLane = Annotated[
    Literal["language", "embedding", "features"] | None,
    typer.Option(
        "--lane", envvar="ICTC_LANE",
        help=r"As `ictc run`, `ictc cluster` or `ictc compare --features`. \[default: that of the published table]",
    ),
]  # fmt: skip
K = Annotated[
    str | None,
    typer.Option(
        "-k", "--k", envvar="ICTC_K", parser=o.parse_k, metavar="K",
        help=r"Another number of clusters. \[default: the published one]",
    ),
]  # fmt: skip
Embedder = Annotated[
    str | None,
    typer.Option(
        "--embedder", envvar="ICTC_EMBEDDER", metavar="SPEC",
        help=r"Of the embedding lane: whose vectors, as of `ictc cluster`. \[default: offline]",
    ),
]  # fmt: skip
Strategy = Annotated[
    str | None,
    typer.Option(
        "--strategy", envvar="ICTC_STRATEGY", metavar="NAME",
        help=r"Of the embedding lane: which prompts, as of `ictc cluster`. \[default: the published ones]",
    ),
]  # fmt: skip
Pairing = Annotated[
    str | None,
    typer.Option(
        "--pairing", envvar="ICTC_PAIRING", metavar="best|soft|label",
        help=r"Of the embedding lane. \[default: label, as published, which is supervised]",
    ),
]  # fmt: skip
Features = Annotated[
    list[str] | None,
    typer.Option(
        "--features", envvar="ICTC_FEATURES", metavar="SPEC|all",
        help=r"Of the feature lab, as of `ictc compare`; may be repeated. \[default: all]",
    ),
]  # fmt: skip
COMPARED = "compare.json has the same numbers, compare_cells.csv a line for each"
_TAKEN = {"embedding": OF_CLUSTER, "features": MODELS}
"""The options of models that a lane has a use for; the language lane has one for all."""
_OWN = {"embedder": "embedding", "strategy": "embedding", "pairing": "embedding", "features": "features"}


@with_models(describes=True)
def bench(
    ctx: typer.Context,
    given: Given,
    name: Name = "",
    criterion: Criterion = "",
    root: Root = Path("data"),
    lane: WhichLane = None,
    k: K = None,
    embedder: Embedder = None,
    strategy: Strategy = None,
    pairing: Pairing = None,
    features: Features = None,
    output: o.Output = Path("run"),
    with_report: o.WithReport = True,
    fail_on_error: o.FailOnError = 0.5,
    json_output: o.Json = False,
) -> None:
    """Do a published table again on a prepared data set: our row with its intervals beside the published ones.

    NAME and its criterion say K, the prompts and where the truth stands. OUT is an ordinary run folder, with bench.json
    and table.md in it. The same command again goes on where it stopped, and does nothing that was done.
    """
    from ictc.benchmarks.presets import find
    from ictc.benchmarks.running import planned

    if not name:
        _list(json_output)
        return
    preset = find(name, criterion if _typed(ctx, "criterion") else "")  # ictc.toml names the criterion and K of runs
    chosen = lane or preset.lane
    if given.dry_run and chosen == "features":  # wherever it was said: it would ask and pay
        raise UsageError(
            "--dry-run does nothing in the lane features, which has no forecast.",
            "Leave it out, also ICTC_DRY_RUN and dry_run in ictc.toml. With --max-calls 0 no model is asked.",
        )
    _check_typed([n for n in (*given.options, *_OWN) if _typed(ctx, n, "COMMANDLINE")], chosen)
    means = _means(given, chosen)
    asked_k = o.k_value(k) if k and _typed(ctx, "k") else None
    todo = planned(preset, chosen, root, asked_k, means.describer)
    more = {"lane": chosen, "run": str(output), "truth": todo.truth, "again": command_line("bench", *_words(ctx))}
    if chosen == "features":
        _features(todo, features or (), means, given, output, more, json_output)
        return
    if chosen == "embedding":
        means = _with_lane(means, todo, embedder or "offline", strategy, pairing)
    if given.dry_run:
        dry_run([todo.asked(means)], output, json_output)
        return
    meter = given.meter()
    done = going_on(partial(_run, todo, output, watching(meter), meter), means, given)
    facts = _facts(todo, done, more)
    page = _report(done) if with_report else None
    outcome = outcome_of(done, fail_on_error)
    for note in done.notes:
        say(note)
    _end(facts, output, {"reused": done.reused, "report": page, **outcome.to_json()}, json_output)
    outcome.leave()


def _list(json_output: bool) -> None:
    from ictc.benchmarks.presets import PRESETS
    from ictc.benchmarks.published import figures_of

    rows = [
        {"name": p.name, "criterion": p.criterion, "asks": p.asks, "k": p.k, "images": p.images_by(p.lane),
         "lane": p.lane, "published": len(figures_of(p))}
        for p in PRESETS
    ]  # fmt: skip
    if json_output:
        print_json({"benchmarks": rows})
        return
    print_benchmarks(rows)
    show_line("one of them: ictc data prepare NAME --root DIR, then ictc bench NAME --criterion CRITERION --root DIR")


def _means(given: Given, lane: str) -> Means:
    from ictc.means import Means, changed

    known = given.means if lane == "language" else {n: v for n, v in given.means.items() if n in _TAKEN[lane]}
    return changed(Means(), known)


def _with_lane(means: Means, todo: Bench, embedder: str, strategy: str | None, pairing: str | None) -> Means:
    from ictc.benchmarks.running import embedding_lane

    return replace(means, lane=embedding_lane(todo, embedder, strategy, pairing))


def _features(
    todo: Bench, given_features: Sequence[str], means: Means, given: Given, output: Path, more: dict[str, Any],
    json_output: bool,
) -> None:  # fmt: skip
    from ictc.benchmarks.running import features
    from ictc.benchmarks.table import compared
    from ictc.compare.lab import ALL
    from ictc.compare.lab import lacking as not_installed

    if ALL in (given_features or [ALL]) and (left_out := not_installed()):
        say(left_out)
    meter = given.meter()
    found, ours = features(todo, given_features, means, output, watch=watching(meter), tell=say, meter=meter)
    facts = compared(todo.preset, ours, {**more, "revision": None, "of": None, "recompute": COMPARED})
    lacking = [row["embedder"] for row in found["rows"] if row["reasons"]]
    _end(facts, output, {"computed": found["computed"], "exit": EXIT_PARTIAL if lacking else 0}, json_output)
    if lacking:
        say(f"{', '.join(lacking)}: no numbers; why: {output / 'compare.json'}")
        raise typer.Exit(EXIT_PARTIAL)


def _run(todo: Bench, output: Path, watch: Watch, meter: Meter, means: Means) -> Done:
    from ictc import job

    return job.run(todo.asked(means), output, watch, meter)


def _facts(todo: Bench, done: Done, more: dict[str, Any]) -> dict[str, Any]:
    from ictc import outputs
    from ictc.benchmarks.running import row_of
    from ictc.benchmarks.table import compared

    scores = outputs.score(done, todo.truth)
    revision = done.revision.id
    recompute = command_line("score", more["run"], "--revision", revision, "--truth", todo.truth)
    own = {**more, "revision": revision, "of": scores["of"], "recompute": recompute}
    return compared(todo.preset, [row_of(todo, done, scores)], own)


def _report(done: Done) -> str:
    from ictc import outputs

    return str(outputs.report(done, anew=False))


def _end(facts: dict[str, Any], output: Path, more: dict[str, Any], json_output: bool) -> None:
    """Writes both files, and prints the table or the one object."""
    from ictc.benchmarks.table import write

    files = write(output, facts)
    if json_output:
        print_json({**facts, "files": [str(f) for f in files], **more})
        return
    print_benchmark(facts)
    show_line(f"again from the run's files: {facts['recompute']}")
    show_line(f"table and numbers: {', '.join(map(str, files))}")


def _words(ctx: typer.Context) -> list[str]:
    """The command as it was given, without what only says how to print."""
    words = [str(ctx.params["name"])]
    for parameter in ctx.command.params:
        name, value = str(parameter.name), ctx.params.get(str(parameter.name))
        if name in ("name", "json_output", "help") or not _typed(ctx, name):
            continue
        if isinstance(value, bool):
            words.append(parameter.opts[0] if value else parameter.secondary_opts[0])
            continue
        for one in value if isinstance(value, list | tuple) else [value]:
            words += [max(parameter.opts, key=len), str(one)]
    return words


def _check_typed(typed: Sequence[str], lane: str) -> None:
    """Raises UsageError: an option was given that the lane has no use for."""
    for name in typed:
        of = _OWN.get(name)
        if (of and of != lane) or (not of and lane != "language" and name not in _TAKEN[lane]):
            flag = "--" + {"prices": "price", "open_names": "open"}.get(name, name).replace("_", "-")
            hint = f"Add --lane {of}, or leave it out." if of else "Leave it out, or add --lane language."
            raise UsageError(f"{flag} does nothing in the lane {lane}.", hint)


def _typed(ctx: typer.Context, name: str, *where: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name in (where or ("COMMANDLINE", "ENVIRONMENT"))
