"""`ictc cluster`: the embedding lane."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ictc.cli import lane_options as lane_
from ictc.cli import options as o
from ictc.cli.asking import dry_run
from ictc.cli.console import print_json, say, watching
from ictc.cli.model_options import ENGINE, Given, with_models
from ictc.cli.outcome import outcome_of
from ictc.cli.results import facts_of, show_result
from ictc.cli.tables import print_sweep
from ictc.means import SHOWN
from ictc.text import command_line

if TYPE_CHECKING:
    from ictc.job import Done

OPTIONS = (
    "reasoner", "min_confidence", "outliers", "device", "batch_size", "trust_remote_code", "concurrency", "rpm", "tpm",
    "timeout", "retries", "retry_failed", "image_side", "max_calls", "max_cost", "prices", "dry_run", *ENGINE,
)  # fmt: skip
"""Options of models that bear on the embedding lane."""
CRITERION = SHOWN


@with_models(only=OPTIONS)
def cluster(
    images: o.Images,
    given: Given,
    criterion: Annotated[
        str,
        typer.Option(
            "--criterion",
            "-c",
            envvar="ICTC_CRITERION",
            metavar="TEXT",
            help="What prompts, and describers of described:, go by.",
        ),
    ] = CRITERION,
    k: o.K = o.AUTO,
    prompts: lane_.Prompts = None,
    strategy: lane_.Strategy = None,
    pairing: lane_.Pairing = "best",
    fusion: lane_.Fusion = None,
    weight: lane_.Weight = None,
    space: lane_.Space = "evened",
    embedder: lane_.Embedder = "offline",
    clusterer: lane_.Clusterer = "kmeans",
    param: lane_.Param = None,
    seed: lane_.Seed = 0,
    recompute: lane_.Recompute = False,
    output: o.Output = Path("run"),
    truth: o.MaybeTruth = None,
    with_report: o.WithReport = True,
    fail_on_error: o.FailOnError = 0.5,
    json_output: o.Json = False,
) -> None:
    """Cluster IMAGES by their vectors, with or without prompts fused into them; no language model is needed.

    The result is as of `ictc run`: show, score, report and the steps work on it. The same command again computes
    nothing; another strategy, K or clusterer in the same folder is a new revision that embeds nothing again.
    """
    from ictc import job, outputs
    from ictc.laneruns import sweep
    from ictc.means import Means, changed

    lane = lane_.lane_of(
        embedder, prompts, strategy, pairing, fusion, weight, space, clusterer, param, seed, recompute, truth
    )
    means = changed(Means(lane=lane), given.means)
    asked = job.Asked(images, criterion, o.k_value(k), means)
    if given.dry_run:
        dry_run([asked], output, json_output)
        return
    meter = given.meter()
    watch = watching(meter)
    done = job.run(asked, output, watch, meter)
    scores = outputs.score(done, truth) if truth else None
    swept = sweep(done, truth) if weight == lane_.SWEEP else None
    page = outputs.report(done, watch, anew=False) if with_report else None
    outcome = outcome_of(done, fail_on_error)
    for note in (*done.notes, *(f.line() for f in done.findings)):
        say(note)
    if json_output:
        print_json({**facts_of(done, output, scores, page, outcome), **_lane_facts(done), **_swept(swept)})
    else:
        show_result(done, output, scores, page)
        if swept:
            print_sweep(swept)
        say(f"next: {command_line('show', str(output))}")
    outcome.leave()


def _swept(rows: list[dict[str, Any]] | None) -> dict[str, Any]:
    return {"sweep": rows} if rows else {}


def _lane_facts(done: Done) -> dict[str, Any]:
    """How the clusters were made, without the wording of the prompts and the truth of each image."""
    lane = dict(done.folder.settings(done.revision.id).lane or {})
    for much in ("prompt_set", "shown"):
        lane.pop(much, None)
    return {"lane": lane}
