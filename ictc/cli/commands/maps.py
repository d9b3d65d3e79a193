"""`ictc map`: static maps of runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ictc.cli import options as o
from ictc.cli.console import print_json, say, show_line, watch

Runs = Annotated[
    list[Path],
    typer.Argument(metavar="RUN...", envvar="ICTC_RUN", help="A run folder; several are drawn side by side."),
]
Revisions = Annotated[
    list[str] | None,
    typer.Option(
        "--revision",
        envvar="ICTC_REVISION",
        metavar="NNN",
        help="A revision; may be repeated: they are drawn side by side. By default the last asked for.",
    ),
]
Method = Annotated[
    str,
    typer.Option(
        "--method",
        envvar="ICTC_METHOD",
        metavar="tsne|opentsne|umap|pca",
        help=r"How vectors come onto the page; umap and opentsne are extras: pip install 'ictc\[umap]'.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", envvar="ICTC_OUT", metavar="FILE", help="FILE.png or FILE.svg; by default a PNG in the run."),
]
Seed = Annotated[int, typer.Option("--seed", envvar="ICTC_SEED", metavar="N", min=0, help="Of the map's start.")]
Limit = Annotated[
    int,
    typer.Option("--sample", envvar="ICTC_SAMPLE", metavar="N", min=5, help="Images on a map; of more, N are drawn."),
]
MapTruth = Annotated[
    str | None,
    typer.Option(
        "--truth",
        envvar="ICTC_TRUTH",
        metavar="filename|folder|FILE[:COLUMN]",
        help="Where the true classes stand; each map is drawn by them as well.",
    ),
]


def map_(
    run: Runs,
    revision: Revisions = None,
    method: Method = "tsne",
    truth: MapTruth = None,
    out: Out = None,
    sample: Limit = 3000,
    seed: Seed = 0,
    json_output: o.Json = False,
) -> None:
    """Draw where RUN's images lie, coloured by cluster and, with --truth, by class beside it.

    Several revisions of a RUN (strategies, K, criteria), or several RUNs, come side by side into one picture.
    """
    from ictc.maps.job import Asked, draw_maps

    done = draw_maps(run, revision or [], Asked(method, seed, truth, sample), out, watch)
    if json_output:
        print_json(done)
        return
    for one in done["maps"]:
        if "supervised" in one:
            say(f"{one['run']} {one['revision']}: {one['supervised']}")
        if one["shown"] < one["images"]:
            say(f"{one['run']} {one['revision']}: {one['shown']:,} of {one['images']:,} images are drawn (--sample N).")
    if method != "pca":
        say("Neighbours on such a map are alike; distances and sizes of groups mean little.")
    show_line(f"map: {done['file']}")
