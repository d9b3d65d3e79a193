"""`ictc show`: the table again."""

from __future__ import annotations

from ictc.cli import options as o
from ictc.cli.console import print_json, say, show_line
from ictc.cli.tables import print_clusters, print_scores


def show(run: o.Run, revision: o.RevisionId = "", json_output: o.Json = False) -> None:
    """Show RUN's clusters, and its scores where it was scored. Computes nothing."""
    from ictc import outputs

    done = outputs.reopen(run, revision)
    scores = done.revision.metrics()
    for note in (*done.notes, *(f.line() for f in done.findings)):
        say(note)
    if json_output:
        print_json(
            {
                "run": str(run),
                "revision": done.revision.id,
                "revisions": done.folder.revision_ids,
                **done.result.to_json(),
                **(scores or {}),
                **({"notes": done.notes} if done.notes else {}),
                **({"findings": [f.to_json() for f in done.findings]} if done.findings else {}),
                **done.accounts,
            }
        )
        return
    print_clusters(done.result)
    if scores:
        print_scores(scores)
    if len(done.folder.revision_ids) > 1:
        show_line(f"revision {done.revision.id} of {', '.join(done.folder.revision_ids)}; another: --revision NNN")
