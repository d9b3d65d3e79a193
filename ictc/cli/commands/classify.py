"""`ictc classify`: new images into the classes or clusters of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from ictc.cli import options as o
from ictc.cli.commands.embed import MODELS
from ictc.cli.console import out, print_json, say, show_line, watching
from ictc.cli.model_options import Given, spent_json, with_models
from ictc.cli.outcome import outcome_for
from ictc.cli.tables import cell
from ictc.text import command_line

if TYPE_CHECKING:
    from ictc.classify.job import Classified

_MOST = 20  # rows of a table, columns of a confusion matrix
_NAME = 40

Source = Annotated[
    Path,
    typer.Argument(metavar="RUN", envvar="ICTC_RUN", help="A run folder, or a classifier saved with --save."),
]
NewImages = Annotated[
    str | None,
    typer.Argument(metavar="[NEW_IMAGES]", envvar="ICTC_NEW_IMAGES", help="As IMAGES; without it, --save alone."),
]
Method = Annotated[
    str | None,
    typer.Option(
        "--method", envvar="ICTC_CLASSIFY_METHOD", metavar="zero-shot|aligned|nearest",
        help="The nearest prompt; prompts aligned with labelled clusters (supervised: needs --train-truth); or the "
        r"nearest of the run's clusters. \[default: zero-shot where the run has prompts, else nearest]",
    ),
]  # fmt: skip
TrainTruth = Annotated[
    str | None,
    typer.Option(
        "--train-truth", envvar="ICTC_TRAIN_TRUTH", metavar="filename|folder|FILE[:COLUMN]",
        help="The true classes of the run's own images, from which aligned learns.",
    ),
]  # fmt: skip
Prompts = Annotated[
    Path | None,
    typer.Option(
        "--prompts", envvar="ICTC_PROMPTS", metavar="FILE",
        help="Other classes and prompts than the run's (docs/embedding.md).",
    ),
]  # fmt: skip
Strategy = Annotated[
    str | None,
    typer.Option(
        "--strategy", envvar="ICTC_STRATEGY", metavar="NAME",
        help=r"task, grouped, swapped, hierarchical or criterion. \[default: the run's, else task]",
    ),
]  # fmt: skip
Embedder = Annotated[
    str | None,
    typer.Option(
        "--embedder", envvar="ICTC_EMBEDDER", metavar="SPEC",
        help=r"Whose vectors. \[default: the run's; offline where it was made without]",
    ),
]  # fmt: skip
Out = Annotated[
    Path,
    typer.Option(
        "--out", envvar="ICTC_OUT", metavar="FILE", help="The predictions, .jsonl or .csv; with --truth, scores beside."
    ),
]
Save = Annotated[
    Path | None,
    typer.Option(
        "--save", envvar="ICTC_SAVE", metavar="FOLDER",
        help="Keep the classifier, as JSON and safetensors: ictc classify FOLDER NEW_IMAGES then needs no run.",
    ),
]  # fmt: skip
Truth = Annotated[
    str | None,
    typer.Option(
        "--truth", envvar="ICTC_TRUTH", metavar="filename|folder|FILE[:COLUMN]",
        help="The true classes of the new images; scores them.",
    ),
]  # fmt: skip


@with_models(only=MODELS)
def classify(
    run: Source,
    given: Given,
    new_images: NewImages = None,
    method: Method = None,
    train_truth: TrainTruth = None,
    prompts: Prompts = None,
    strategy: Strategy = None,
    embedder: Embedder = None,
    out: Out = Path("predictions.jsonl"),
    save: Save = None,
    truth: Truth = None,
    revision: o.RevisionId = "",
    fail_on_error: o.FailOnError = 0.5,
    json_output: o.Json = False,
) -> None:
    """Classify NEW_IMAGES by RUN: by its prompts, or by its clusters.

    Writes one row per image with the probability of every class, and with --truth a classification report and a
    confusion matrix.
    """
    from ictc.backends import asking
    from ictc.classify.fitting import Wanted
    from ictc.classify.job import classify as work
    from ictc.means import Means, changed

    means, meter = changed(Means(), given.means), given.meter()
    wanted = Wanted(method, revision, prompts, strategy, embedder, train_truth, means.options, asking(means, meter, ""))
    done = work(run, new_images, wanted, out=out, save=save, truth=truth, watch=watching(meter), tell=say)
    failed = len(done.failures)
    outcome = outcome_for(done.failures, failed, failed + len(done.predictions), fail_on_error, out)
    for note in done.notes:
        say(note)
    if json_output:
        print_json({"run": str(run), **done.to_json(), **spent_json(meter), **outcome.to_json()})
    else:
        _show(done)
        if save:
            say(f"next: {command_line('classify', str(save), 'NEW_IMAGES')}")
    outcome.leave()


def _show(done: Classified) -> None:
    made = done.classifier
    if done.predictions:
        total = len(done.predictions)
        title = f"by {made.method}, {made.embedder}"
        table = Table("class", title=cell(title, 73, "italic"), title_justify="left")
        for name in ("images", "share", "mean probability"):
            table.add_column(name, justify="right")
        for name, n in sorted(done.counts.items(), key=lambda x: -x[1])[:_MOST]:
            sure = [p.probability for p in done.predictions if p.class_ == name]
            mean = f"{sum(sure) / n:.2f}" if n else ""
            table.add_row(cell(name, _NAME, "bold"), str(n), f"{n / total:.0%}", mean)
        out().print(table)
        if len(made.classes) > _MOST:
            show_line(f"The {_MOST} largest of {len(made.classes)} classes; the file has all.")
    if done.scores:
        _show_scores(done.scores)
        _show_report(done.scores)
    for file in (*done.files, *done.saved):
        show_line(f"written: {file}")


def _show_scores(scores: Mapping[str, Any]) -> None:
    table = Table("", "", title="scores", title_justify="left", show_header=False)
    table.add_row("ACC", f"{scores['acc']:.4f}  [{scores['acc_low']:.4f}, {scores['acc_high']:.4f}]")
    for key in ("macro_f1", "weighted_f1", "ari", "nmi", "ece"):
        if scores[key] is not None:
            table.add_row(key.replace("_", " ").upper(), f"{scores[key]:.4f}")
    for key in ("n", "failed", "without_truth"):
        table.add_row(key.replace("_", " "), str(scores[key]))
    out().print(table)


def _show_report(scores: Mapping[str, Any]) -> None:
    """Per class, then who is taken for whom."""
    by_name = scores["matched_by"] == "name"
    table = Table("class", title="classification report", title_justify="left")
    for name in ("images", "precision", "recall", "F1"):
        table.add_column(name, justify="right")
    if not by_name:
        table.add_column("its cluster")
    for row in scores["per_class"][:_MOST]:
        numbers = (f"{row[key]:.4f}" for key in ("precision", "recall", "f1"))
        cluster = [] if by_name else [cell(row["cluster"] or "none", _NAME)]
        table.add_row(cell(row["class"], _NAME, "bold"), str(row["n"]), *numbers, *cluster)
    table.add_section()
    table.add_row("mean of classes", "", "", "", f"{scores['macro_f1']:.4f}")
    table.add_row("mean of images", str(scores["n"]), "", "", f"{scores['weighted_f1']:.4f}")
    out().print(table)
    columns, counts = scores["confusion"]["clusters"], scores["confusion"]["counts"]
    if not any(row[-1] for row in counts):  # none failed
        columns, counts = columns[:-1], [row[:-1] for row in counts]
    if len(columns) > _MOST:
        return
    table = Table("", title="true class (rows) by predicted", title_justify="left")
    for name in columns:
        table.add_column(cell(name, _NAME), justify="right", overflow="fold")
    for name, row in zip(scores["confusion"]["classes"][:_MOST], counts, strict=False):
        table.add_row(cell(name, _NAME, "bold"), *(str(n) if n else "" for n in row))
    out().print(table)
