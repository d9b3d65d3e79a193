"""`ictc run`: the main job."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ictc.cli import options as o
from ictc.cli.asking import dry_run, going_on
from ictc.cli.console import print_json, say, watching
from ictc.cli.model_options import Given, with_models
from ictc.cli.outcome import Outcome, outcome_of, worst
from ictc.cli.results import facts_of, show_result
from ictc.cli.tables import print_crosstab
from ictc.crosstab import crosstab
from ictc.text import command_line

if TYPE_CHECKING:
    from ictc.job import Asked, Done
    from ictc.means import Means
    from ictc.progress import Watch
    from ictc.result import Result
    from ictc.spending.meter import Meter


@with_models(describes=True)
def run(
    images: o.Images,
    criterion: o.Criteria,
    given: Given,
    k: o.K = o.AUTO,
    output: o.Output = Path("run"),
    truth: o.MaybeTruth = None,
    with_report: o.WithReport = True,
    fail_on_error: o.FailOnError = 0.5,
    sample: o.Sample = None,
    sample_embedder: o.SampleEmbedder = "offline",
    sample_seed: o.SampleSeed = 0,
    json_output: o.Json = False,
) -> None:
    """Cluster IMAGES by a criterion: describe, label, merge, assign; then report, and score where truth is given.

    The same command again goes on where it stopped, and does nothing that was done. Another criterion or K in the
    same folder makes a new revision beside the old one.
    """
    from ictc import job, outputs
    from ictc.means import Means, Sampling, changed

    criteria = tuple(dict.fromkeys(criterion))
    together = criteria if len(criteria) > 1 else ()
    chosen = Sampling(sample, sample_embedder, sample_seed) if sample is not None else None
    means = changed(Means(together=together, sample=chosen), given.means)
    asked = [job.Asked(images, c, o.k_value(k), means) for c in criteria]
    if given.dry_run:
        dry_run(asked, output, json_output)
        return
    facts: list[dict[str, Any]] = []
    outcomes: list[Outcome] = []
    results: list[Result] = []
    meter = given.meter()
    watch = watching(meter)
    for one in asked:
        done = going_on(partial(_run, one, output, watch, meter), means, given)
        scores = outputs.score(done, truth) if truth else None
        page = outputs.report(done, watch, anew=False) if with_report else None
        outcomes.append(outcome_of(done, fail_on_error))
        for note in (*done.notes, *(f.line() for f in done.findings)):
            say(note)
        results.append(done.result)
        facts.append(facts_of(done, output, scores, page, outcomes[-1]))
        if not json_output:
            show_result(done, output, scores, page)
    crossed = [crosstab(a, b) for a, b in combinations(results, 2)]
    if json_output:
        both = {"runs": facts, "crosstabs": [c.to_json() for c in crossed], **worst(outcomes).to_json()}
        print_json(facts[0] if len(facts) == 1 else both)
    else:
        for one_table in crossed:
            print_crosstab(one_table)
        say(f"next: {command_line('show', str(output))}")
    worst(outcomes).leave()


def _run(asked: Asked, output: Path, watch: Watch, meter: Meter, means: Means) -> Done:
    from ictc import job

    return job.run(replace(asked, means=means), output, watch, meter)
