"""`ictc import`: a run of the original IC|TC repository."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ictc.cli import options as o
from ictc.cli.console import print_json, say, show_line
from ictc.cli.published import print_as_published
from ictc.cli.tables import print_clusters
from ictc.text import command_line

Folder = Annotated[
    Path,
    typer.Argument(
        metavar="DIR",
        envvar="ICTC_DIR",
        help="A folder with step1_result.jsonl, step2a_result.txt, step2b_result.txt, step3_result.txt (or .gz).",
    ),
]
Descriptions = Annotated[
    Path | None,
    typer.Option(
        "--descriptions",
        envvar="ICTC_DESCRIPTIONS",
        metavar="FILE",
        help="The descriptions, where DIR has no step1_result.jsonl.",
    ),
]
ImportCriterion = Annotated[
    str,
    typer.Option(
        "--criterion",
        "-c",
        envvar="ICTC_CRITERION",
        metavar="TEXT",
        help="The criterion of that run; by default the folder's name.",
    ),
]
AsPublished = Annotated[
    bool,
    typer.Option(
        "--as-published",
        envvar="ICTC_AS_PUBLISHED",
        help="Score it as the original does, off-list answers replaced at random; beside its accuracy.txt.",
    ),
]
Seed = Annotated[
    int,
    typer.Option("--seed", envvar="ICTC_SEED", metavar="N", min=0, help="Of --as-published: the first of 20 draws."),
]


def import_original(
    folder: Folder,
    output: o.Output = Path("run"),
    descriptions: Descriptions = None,
    criterion: ImportCriterion = "",
    as_published: AsPublished = False,
    seed: Seed = 0,
    json_output: o.Json = False,
) -> None:
    """Import a run of the original IC|TC repository, so that show, score and report work on it.

    Answers that are not one of its K names stay unassigned and are counted as off-list: ictc score is strict. The
    original is not; --as-published gives its figures, in a table and a file (metrics_as_published.json) of their own.
    """
    from ictc.importing import PUBLISHED, import_run

    imported = import_run(folder, output, descriptions, criterion, seed if as_published else None)
    if json_output:
        print_json({"run": str(output), "revision": imported.done.revision.id, **imported.to_json()})
        return
    print_clusters(imported.done.result)
    for line in imported.remarks:
        show_line(line)
    if imported.as_published:
        print_as_published(imported.as_published)
        show_line(f"in full: {imported.done.revision.path / PUBLISHED}")
    say(f"next: {command_line('score', str(output), '--truth', 'filename')}")
