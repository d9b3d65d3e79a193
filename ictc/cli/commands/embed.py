"""`ictc embed`: vectors of images, into a run or a file; `ictc embed import`: vectors made elsewhere, into a run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from ictc.cli import options as o
from ictc.cli.console import print_json, say, show_line, watching
from ictc.cli.lane_options import Embedder, Recompute
from ictc.cli.model_options import ENGINE, Given, spent_json, with_models
from ictc.cli.outcome import Outcome
from ictc.means import SHOWN
from ictc.text import command_line

if TYPE_CHECKING:
    from ictc.embedders.job import Embedded

Images = Annotated[
    str,
    typer.Argument(
        metavar="IMAGES",
        envvar="ICTC_IMAGES",
        help="A folder, a glob, a list file (txt, csv, jsonl), or an imagefolder with metadata.csv or .jsonl.",
    ),
]
IMAGES = "images"
"""The command that `ictc embed` alone stands for."""

Out = Annotated[
    Path | None,
    typer.Option("--out", envvar="ICTC_OUT", metavar="FILE", help="Write FILE.npy (names beside it) or FILE.parquet."),
]
Run = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        envvar="ICTC_OUTPUT",
        metavar="RUN",
        help=r"The run folder that keeps the vectors; made when missing. \[default: run, unless --out is given]",
    ),
]
File = Annotated[
    Path,
    typer.Argument(metavar="FILE", envvar="ICTC_FILE", help="FILE.npy with FILE.jsonl or .csv beside; FILE.parquet."),
]
MaybeImages = Annotated[
    str | None,
    typer.Argument(metavar="[IMAGES]", envvar="ICTC_IMAGES", help="The images, where RUN has none yet."),
]
Criterion = Annotated[
    str,
    typer.Option(
        "--criterion", "-c", envvar="ICTC_CRITERION", metavar="TEXT", help="What describers of described: go by."
    ),
]
MODELS = (
    "device", "batch_size", "trust_remote_code", "concurrency", "rpm", "tpm", "timeout", "retries", "retry_failed",
    "image_side", "max_calls", "max_cost", "prices",
)  # fmt: skip
"""Options of models, for commands that embed and may ask models about images."""


class EmbedGroup(TyperGroup):
    """`ictc embed PHOTOS` is `ictc embed images PHOTOS`."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if args and args[0] not in (*self.commands, "--help"):
            args = [IMAGES, *args]
        return super().parse_args(ctx, args)


@with_models(only=(*MODELS, *ENGINE))
def images(
    images: Images,
    given: Given,
    embedder: Embedder = "offline",
    output: Run = None,
    out: Out = None,
    criterion: Criterion = SHOWN,
    recompute: Recompute = False,
    json_output: o.Json = False,
) -> None:
    """Embed IMAGES; written `ictc embed IMAGES`. What a run has is read, what is missing is computed and kept."""
    from ictc.backends import asking
    from ictc.embedders.job import embed
    from ictc.means import Means, changed
    from ictc.remote.opening import open_engine

    run = output or (None if out else Path("run"))
    means, meter = changed(Means(), given.means), given.meter()
    done = embed(
        images, embedder, run, out, means.options, recompute=recompute, watch=watching(meter),
        asking=asking(means, meter, criterion), engine=open_engine(means.place),
    )  # fmt: skip
    outcome = _outcome(done)
    if json_output:
        print_json({"run": str(run) if run else None, **done.to_json(), **spent_json(meter), **outcome.to_json()})
    else:
        show_line(f"{len(done.items)} vectors of {done.rows.shape[1]} numbers by {done.embedder}")
        for file in done.files:
            show_line(f"written: {file}")
        if run:
            said = [] if criterion == SHOWN else ["-c", criterion]
            say(f"next: {command_line('cluster', images, *said, '--embedder', embedder, '-o', str(run))}")
    outcome.leave()


def import_(
    file: File, images: MaybeImages = None, output: o.Output = Path("run"), json_output: o.Json = False
) -> None:
    """Bring vectors that were made elsewhere into a run, for every one of its images.

    Checked first: their width, zeros, numbers that are not finite, names that are there twice or not at all.
    """
    from ictc.embedders.job import import_vectors

    done = import_vectors(file, output, images)
    if json_output:
        print_json({"run": str(output), **done.to_json(), "unused": done.unused, "exit": 0})
        return
    show_line(f"{len(done.items)} vectors of {done.rows.shape[1]} numbers in {output}")
    if done.unused:
        say(f"{done.unused} more in the file are of no image of the run.")
    say(f"next: {command_line('cluster', images or 'IMAGES', '--embedder', done.embedder, '-o', str(output))}")


def _outcome(done: Embedded) -> Outcome:
    if not done.failures:
        return Outcome()
    codes = ", ".join(f"{code}: {n}" for code, n in Counter(f.code for f in done.failures).most_common())
    first = done.failures[0]
    total = len(done.items) + len(done.failures)
    return Outcome(
        remark=f"{len(done.failures)} of {total} images failed ({codes}); the others are done. "
        f"The first: {first.image}: {first.message}"
    )
