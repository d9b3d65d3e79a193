"""`ictc step1`, `step2a`, `step2b`, `step3`: the paper's steps one by one, on one run folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ictc.cli import options as o
from ictc.cli.asking import dry_run, going_on, show_plans
from ictc.cli.console import print_json, say, show_line, watching
from ictc.cli.model_options import Given, with_models
from ictc.cli.outcome import outcome_of
from ictc.cli.tables import print_clusters
from ictc.text import command_line

if TYPE_CHECKING:
    from ictc.job import Asked
    from ictc.later import Later
    from ictc.means import Means
    from ictc.revision import Revision
    from ictc.spending.meter import Meter
    from ictc.types import Stage

R = TypeVar("R")


@with_models(describes=True, reasons=False)
def step1(
    images: o.Images,
    criterion: o.Criteria,
    given: Given,
    output: o.Output = Path("run"),
    json_output: o.Json = False,
) -> None:
    """Step 1: describe every image in words, as far as the criterion asks."""
    from ictc import job
    from ictc.means import Means, changed

    criteria = tuple(dict.fromkeys(criterion))
    means = changed(Means(together=criteria if len(criteria) > 1 else ()), given.means)
    asked = [job.Asked(images, c, means=means) for c in criteria]
    if given.dry_run:
        dry_run(asked, output, json_output)
        return
    meter = given.meter()
    told = []
    for one in asked:
        revision = going_on(partial(_describe, one, output, meter), means, given)
        facts = {"described": len(revision.descriptions()), "failed": len({f.image for f in revision.failures()})}
        told.append((revision.path / "step1_result.jsonl", facts))
    _tell(told, json_output, "step2a", str(output))


def _describe(asked: Asked, output: Path, meter: Meter, means: Means) -> Revision:
    from ictc import job

    return job.describe(replace(asked, means=means), output, watching(meter), meter)[1]


@with_models()
def step2a(run: o.Run, given: Given, revision: o.RevisionId = "", json_output: o.Json = False) -> None:
    """Step 2a: give every description a label that answers the criterion."""
    if given.dry_run:
        _plan(run, revision, "label", given, json_output)
        return
    from ictc import later

    _, made = _go_on(later.label, run, revision, given)
    labels = made.labels()
    facts = {"labelled": len(labels), "distinct": len({x.label for x in labels})}
    _tell([(made.path / "step2a_result.jsonl", facts)], json_output, "step2b", str(run), "-k", "auto")


@with_models()
def step2b(run: o.Run, given: Given, k: o.K = o.AUTO, revision: o.RevisionId = "", json_output: o.Json = False) -> None:
    """Step 2b: merge the labels into K names. Another K than before makes a new revision."""
    if given.dry_run:
        _plan(run, revision, "merge", given, json_output)
        return
    from ictc.later import merge
    from ictc.outlying import without

    _, made = _go_on(lambda later: merge(later, o.k_value(k)), run, revision, given)
    taxonomy = made.taxonomy()
    reason = taxonomy.choice.reason if taxonomy.choice else None
    facts = {"k": without(taxonomy).k, "k_reason": reason, "names": taxonomy.names}
    _tell([(made.path / "step2b_result.json", facts)], json_output, "step3", str(run))


@with_models(names=False)
def step3(
    run: o.Run,
    given: Given,
    revision: o.RevisionId = "",
    fail_on_error: o.FailOnError = 0.5,
    json_output: o.Json = False,
) -> None:
    """Step 3: assign every image to one of the names."""
    if given.dry_run:
        _plan(run, revision, "assign", given, json_output)
        return
    from ictc import later

    done = _go_on(later.assign, run, revision, given)
    outcome = outcome_of(done, fail_on_error)
    if json_output:
        facts = {"run": str(run), "revision": done.revision.id, **done.result.to_json(), **done.accounts}
        print_json({**facts, **outcome.to_json()})
    else:
        for note in done.notes:
            say(note)
        print_clusters(done.result)
        say(f"next: {command_line('report', str(run))}")
    outcome.leave()


def _go_on(work: Callable[[Later], R], run: Path, revision: str, given: Given) -> R:
    """A later step, by the means that were given, else by those of the step before."""
    from ictc.later import Later
    from ictc.means import Means, changed

    meter = given.meter()
    own = changed(Means(), given.means)  # so that what cannot be said is told before anything is opened

    def again(means: Means) -> R:
        fallback = {"fallback": means.fallback} if means.fallback else {}
        return work(Later(run, revision, {**given.means, **fallback}, watching(meter), meter))

    return going_on(again, own, given)


def _plan(run: Path, revision: str, stage: Stage, given: Given, json_output: bool) -> None:
    from ictc.planning import plan_step

    show_plans([(f"{run}: {stage}", plan_step(run, revision, stage, given.means))], json_output)


def _tell(told: Sequence[tuple[Path, dict[str, Any]]], json_output: bool, *following: str) -> None:
    """What a step made: of one criterion, or of several."""
    rows = [{"run": str(f.parent.parent), "revision": f.parent.name, "file": str(f), **facts} for f, facts in told]
    if json_output:
        print_json(rows[0] if len(rows) == 1 else {"runs": rows})
        return
    for file, facts in told:
        for name, value in facts.items():
            if value is not None:
                shown = ", ".join(value) if isinstance(value, list) else value
                show_line(f"{name.replace('_', ' ')}: {shown}")
        show_line(f"file: {file}")
    say(f"next: {command_line(*following)}")
