"""What `ictc refine` prints of a refinement: what it would take, what it made, and why an image is where it is."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ictc.cli.console import out, plain, say, show_line
from ictc.cli.tables import print_clusters
from ictc.errors import UsageError
from ictc.text import command_line

if TYPE_CHECKING:
    from ictc.differing import Difference
    from ictc.job import Done
    from ictc.spending.estimate import Estimate
    from ictc.steering.job import Refined
    from ictc.steering.looking import Why


def takes(found: Estimate) -> str:
    """What it takes, in one line."""
    low, likely, high = found.requests
    if not high:
        return "No model is asked."
    n = f"{likely:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"
    steps: dict[str, float] = {}
    for s in found.steps:
        if s.asks:
            steps[s.stage] = steps.get(s.stage, 0) + s.requests[1]
    parts = ", ".join(f"{stage} {count:,.0f}" for stage, count in steps.items())
    return f"This takes {n} request{'' if high == 1 else 's'} ({parts}): {found.rows()[-1][-1]}. {found.time_line()}"


def may_go_on(found: Estimate, yes: bool) -> bool:
    """Says what it takes; asks a person where it costs money, or where nobody knows whether.

    Raises:
        UsageError: it costs, nobody is there to ask, and `yes` was not said.
    """
    for line in (takes(found), *found.remarks):
        say(line)
    cost = found.cost
    if yes or not found.requests[2] or (cost is not None and not cost[2]):
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("This may cost money, and nobody is here to be asked.", "If it is wanted, add --yes.")
    return typer.confirm("Go on?", default=False, err=True)


def show_refined(refined: Refined, difference: Difference, requests: int, told: Sequence[str] = ()) -> None:
    """The clusters of the new revision, and what is other than before. `told`: what was said beforehand."""
    done, before = refined.done, refined.before
    if done.reused:
        say(f"Nothing had to be done: revision {done.revision.id} holds this result.")
    show_clusters(done)
    asked = f"; requests: {requests}" if requests else ""
    show_line(f"revision {done.revision.id}, made of {before.revision.id}: {changed(difference)}{asked}")
    tell_left_out(refined.left_out, told)
    run = str(done.folder.path)
    say(f"back: {command_line('refine', run, '--undo')}; what differs: {command_line('diff', run)}")


def tell_left_out(left_out: Sequence[str], told: Sequence[str] = ()) -> None:
    for line in (f"left out: {reason}" for reason in left_out):
        if line not in told:
            say(line)


def changed(found: Difference) -> str:
    """What differs, in a few words."""
    changes = [f"{' + '.join(f.before) or 'nothing'} → {' + '.join(f.after) or 'nothing'}" for f in found.changes[:4]]
    more = [f"and {len(found.changes) - 4} more"] if len(found.changes) > 4 else []
    n = len(found.moved)
    return "; ".join([*changes, *more, f"{n} image{'' if n == 1 else 's'} moved"])


def show_clusters(done: Done) -> None:
    """The table, the pinned clusters, what is odd."""
    print_clusters(done.result)
    if pins := pinned_of(done):
        show_line(f"pinned: {', '.join(pins)}")
    for note in (*done.notes, *(f.line() for f in done.findings)):
        say(note)


def pinned_of(done: Done) -> list[str]:
    from ictc.steering.kept import pins_of

    return [name for name in pins_of(done.revision.corrections()) if name in done.result.names]


def show_why(found: Sequence[Why]) -> None:
    """Everything known of each image."""
    for n, one in enumerate(found):
        if n:
            out().print()
        for what, text in one.lines():
            out().print(plain(f"{what and what + ':':14}{text}"))


def refined_json(run: Path, refined: Refined, difference: Difference, requests: int) -> dict[str, Any]:
    """The one object that --json prints."""
    done = refined.done
    entry = done.folder.entry(done.revision.id)
    made = entry.get("refined") or {}
    return {
        "run": str(run),
        "revision": done.revision.id,
        "of": refined.before.revision.id,
        "reused": done.reused,
        "changes": made.get("changes", []),
        "command": shlex.join(["ictc", "refine", str(run), "--revision", made["of"], *made["words"]]) if made else None,
        "requests": requests,
        "pinned": pinned_of(done),
        "left_out": list(refined.left_out),
        "accepted": bool(entry.get("accepted")),
        **done.result.to_json(),
        "difference": {k: v for k, v in difference.to_json().items() if k != "images"},
        **({"notes": done.notes} if done.notes else {}),
        **({"findings": [f.to_json() for f in done.findings]} if done.findings else {}),
    }
