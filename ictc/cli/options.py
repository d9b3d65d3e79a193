"""Every option of the CLI, once. Each can also come from `ICTC_<NAME>` or from ictc.toml."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AUTO = "auto"


def parse_k(text: str | int) -> str:
    """`auto` or a whole number from 1, as text; anything else is a usage error."""
    value = str(text).strip().lower()
    if value == AUTO:
        return value
    try:
        number = int(value)
    except ValueError:
        number = 0
    if number < 1:
        raise typer.BadParameter(
            f"'{text}' is no number of clusters. Type for example -k 8, or -k auto to have it chosen."
        )
    return str(number)


def k_value(k: str) -> int | None:
    """The number, or None for `auto`."""
    return None if k == AUTO else int(k)


Images = Annotated[
    str,
    typer.Argument(
        metavar="IMAGES",
        envvar="ICTC_IMAGES",
        help="A folder, a glob, a list file (txt, csv, jsonl), an imagefolder with metadata.csv or .jsonl, "
        "or recorded:FILE (descriptions alone).",
    ),
]
Run = Annotated[Path, typer.Argument(metavar="RUN", envvar="ICTC_RUN", help="A run folder.")]
Criteria = Annotated[
    list[str],
    typer.Option(
        "--criterion",
        "-c",
        envvar="ICTC_CRITERION",
        help="What to cluster by, in words. May be repeated: step 1 then answers all in one pass, and each has a "
        "revision of its own.",
        metavar="TEXT",
    ),
]
Criterion = Annotated[
    str,
    typer.Option("--criterion", "-c", envvar="ICTC_CRITERION", help="What to cluster by, in words.", metavar="TEXT"),
]
K = Annotated[
    str,
    typer.Option("-k", "--k", envvar="ICTC_K", parser=parse_k, metavar="K|auto", help="How many clusters."),
]
Output = Annotated[
    Path,
    typer.Option("--output", "-o", envvar="ICTC_OUTPUT", help="The run folder; made when missing.", metavar="RUN"),
]
Truth = Annotated[
    str,
    typer.Option(
        "--truth",
        envvar="ICTC_TRUTH",
        metavar="filename|folder|FILE[:COLUMN]",
        help="Where the true classes stand; scores the run.",
    ),
]
Sample = Annotated[
    str | None,
    typer.Option(
        "--sample",
        envvar="ICTC_RUN_SAMPLE",  # ICTC_SAMPLE is how many images are on a map
        metavar="N|N%|auto",
        help="Describe so many images that cover all; what the others look like decides their clusters "
        "(docs/sampling.md).",
    ),
]
SampleEmbedder = Annotated[
    str,
    typer.Option(
        "--sample-embedder",
        envvar="ICTC_SAMPLE_EMBEDDER",
        metavar="SPEC",
        help="With --sample: whose vectors say what images look like; see: ictc embed, ictc doctor",
    ),
]
SampleSeed = Annotated[
    int,
    typer.Option(
        "--sample-seed", envvar="ICTC_SAMPLE_SEED", metavar="N", min=0, help="With --sample: of what is drawn."
    ),
]
MaybeTruth = Annotated[
    str | None,
    typer.Option(
        "--truth",
        envvar="ICTC_TRUTH",
        metavar="filename|folder|FILE[:COLUMN]",
        help="Where the true classes stand; scores the run.",
    ),
]
RevisionId = Annotated[
    str,
    typer.Option(
        "--revision", envvar="ICTC_REVISION", metavar="NNN", help="A revision; by default the last asked for."
    ),
]
FailOnError = Annotated[
    float,
    typer.Option(
        "--fail-on-error",
        envvar="ICTC_FAIL_ON_ERROR",
        min=0.0,
        max=1.0,
        metavar="SHARE",
        help="Exit with 4 when more than this share of the images failed; below it, failures exit with 3.",
    ),
]
WithReport = Annotated[bool, typer.Option("--report/--no-report", envvar="ICTC_REPORT", help="Write the HTML report.")]
OfGroups = Annotated[
    bool, typer.Option("--groups", envvar="ICTC_OF_GROUPS", help="Score the broader groups (--levels 2) instead.")
]
Json = Annotated[bool, typer.Option("--json", envvar="ICTC_JSON", help="Print one JSON object on standard output.")]
