"""One finished revision, as a table for people and as the one object that --json prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ictc.cli.console import say, show_line
from ictc.cli.outcome import Outcome
from ictc.cli.tables import print_clusters, print_scores

if TYPE_CHECKING:
    from ictc.job import Done


def facts_of(
    done: Done, output: Path, scores: dict[str, Any] | None, page: Path | None, outcome: Outcome
) -> dict[str, Any]:
    spent = done.folder.entry(done.revision.id).get("spent")
    return {
        "run": str(output),
        "revision": done.revision.id,
        "reused": done.reused,
        **done.result.to_json(),
        **(scores or {}),
        **({"spent": spent} if spent else {}),
        **({"notes": done.notes} if done.notes else {}),
        **({"findings": [f.to_json() for f in done.findings]} if done.findings else {}),
        **done.accounts,
        "report": str(page) if page else None,
        **outcome.to_json(),
    }


def show_result(done: Done, output: Path, scores: dict[str, Any] | None, page: Path | None) -> None:
    if done.reused:
        say(f"Nothing had to be computed: {output} revision {done.revision.id} holds this result.")
    print_clusters(done.result)
    if scores:
        print_scores(scores)
    if page:
        show_line(f"report: {page}")
