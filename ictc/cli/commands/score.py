"""`ictc score`: against the truth."""

from __future__ import annotations

from ictc.cli import options as o
from ictc.cli.console import print_json, say, show_line
from ictc.cli.tables import print_scores


def score(
    run: o.Run,
    truth: o.Truth,
    revision: o.RevisionId = "",
    groups: o.OfGroups = False,
    json_output: o.Json = False,
) -> None:
    """Score RUN against the truth: Hungarian-matched ACC, ARI, NMI, per class, with 95 % intervals.

    Writes metrics.json, confusion.csv and confusion.png beside the result files.
    """
    from ictc import outputs

    done = outputs.reopen(run, revision)
    scores = outputs.score(done, truth, groups)
    if flattering := scores.get("trained_on"):
        say(flattering["remark"])
    if json_output:
        print_json({"run": str(run), "revision": done.revision.id, **scores})
    else:
        print_scores(scores)
        file = "metrics_groups.json" if groups else "metrics.json"
        show_line(f"per class, matching and confusion: {done.revision.path / file}")
