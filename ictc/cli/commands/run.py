"""`ictc run`: the main job."""

from __future__ import annotations

from pathlib import Path

from ictc.cli import options as o
from ictc.cli.console import print_json, say, show_line, watch
from ictc.cli.outcome import outcome_of
from ictc.cli.tables import print_clusters, print_scores
from ictc.text import command_line


def run(
    images: o.Images,
    criterion: o.Criterion,
    k: o.K = o.AUTO,
    output: o.Output = Path("run"),
    describer: o.Describer = "offline",
    reasoner: o.Reasoner = "offline",
    truth: o.MaybeTruth = None,
    with_report: o.WithReport = True,
    fail_on_error: o.FailOnError = 0.5,
    json_output: o.Json = False,
) -> None:
    """Cluster IMAGES by a criterion: describe, label, merge, assign; then report, and score where truth is given.

    The same command again goes on where it stopped, and does nothing that was done. Another criterion or K in the
    same folder makes a new revision beside the old one.
    """
    from ictc import job, outputs

    asked = job.Asked(images, criterion, o.k_value(k), describer, reasoner)
    done = job.run(asked, output, watch)
    scores = outputs.score(done, truth) if truth else None
    page = outputs.report(done, watch, anew=False) if with_report else None
    outcome = outcome_of(done, fail_on_error)
    if json_output:
        print_json(
            {
                "run": str(output),
                "revision": done.revision.id,
                "reused": done.reused,
                **done.result.to_json(),
                **(scores or {}),
                "report": str(page) if page else None,
                **outcome.to_json(),
            }
        )
    else:
        if done.reused:
            say(f"Nothing had to be computed: {output} revision {done.revision.id} holds this result.")
        print_clusters(done.result)
        if scores:
            print_scores(scores)
        if page:
            show_line(f"report: {page}")
        say(f"next: {command_line('show', str(output))}")
    outcome.leave()
