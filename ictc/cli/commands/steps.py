"""`ictc step1`, `step2a`, `step2b`, `step3`: the paper's steps one by one, on one run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ictc.cli import options as o
from ictc.cli.console import print_json, say, show_line, watch
from ictc.cli.outcome import outcome_of
from ictc.cli.tables import print_clusters
from ictc.text import command_line


def step1(
    images: o.Images,
    criterion: o.Criterion,
    output: o.Output = Path("run"),
    describer: o.Describer = "offline",
    json_output: o.Json = False,
) -> None:
    """Step 1: describe every image in words, as far as the criterion asks."""
    from ictc import job

    _, revision = job.describe(job.Asked(images, criterion, describer=describer), output, watch)
    facts = {"described": len(revision.descriptions()), "failed": len({f.image for f in revision.failures()})}
    _tell(revision.path / "step1_result.jsonl", facts, json_output, "step2a", str(output))


def step2a(run: o.Run, revision: o.RevisionId = "", json_output: o.Json = False) -> None:
    """Step 2a: give every description a label that answers the criterion."""
    from ictc import job

    _, made = job.label(run, revision, watch)
    labels = made.labels()
    facts = {"labelled": len(labels), "distinct": len({x.label for x in labels})}
    _tell(made.path / "step2a_result.jsonl", facts, json_output, "step2b", str(run), "-k", "auto")


def step2b(run: o.Run, k: o.K = o.AUTO, revision: o.RevisionId = "", json_output: o.Json = False) -> None:
    """Step 2b: merge the labels into K names. Another K than before makes a new revision."""
    from ictc import job

    _, made = job.merge(run, o.k_value(k), revision, watch)
    taxonomy = made.taxonomy()
    reason = taxonomy.choice.reason if taxonomy.choice else None
    facts = {"k": taxonomy.k, "k_reason": reason, "names": taxonomy.names}
    _tell(made.path / "step2b_result.json", facts, json_output, "step3", str(run))


def step3(
    run: o.Run, revision: o.RevisionId = "", fail_on_error: o.FailOnError = 0.5, json_output: o.Json = False
) -> None:
    """Step 3: assign every image to one of the names."""
    from ictc import job

    done = job.assign(run, revision, watch)
    outcome = outcome_of(done, fail_on_error)
    if json_output:
        print_json({"run": str(run), "revision": done.revision.id, **done.result.to_json(), **outcome.to_json()})
    else:
        print_clusters(done.result)
        say(f"next: {command_line('report', str(run))}")
    outcome.leave()


def _tell(file: Path, facts: dict[str, Any], json_output: bool, *following: str) -> None:
    if json_output:
        print_json({"run": str(file.parent.parent), "revision": file.parent.name, "file": str(file), **facts})
        return
    for name, value in facts.items():
        if value is not None:
            shown = ", ".join(value) if isinstance(value, list) else value
            show_line(f"{name.replace('_', ' ')}: {shown}")
    show_line(f"file: {file}")
    say(f"next: {command_line(*following)}")
