"""How a finished command exits: 0 all well, 3 some images failed, 4 too many did."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import typer

from ictc.cli.console import say
from ictc.errors import EXIT_PARTIAL, TooManyFailures

if TYPE_CHECKING:
    from ictc.job import Done


def exit_for(done: Done, fail_on_error: float) -> None:
    """Says how many images failed and why, and exits accordingly.

    Raises:
        TooManyFailures: more than the share `fail_on_error` failed.
    """
    counts = done.result.counts
    failed = counts["failed"]
    if not failed:
        return
    codes = ", ".join(f"{c}: {n}" for c, n in Counter(f.code for f in done.result.failures).most_common())
    where = done.revision.path / "failures.jsonl"
    if failed > fail_on_error * counts["images"]:
        raise TooManyFailures(
            f"{failed} of {counts['images']} images failed ({codes}); --fail-on-error allows {fail_on_error:.0%}.",
            f"Reasons: {where}. The result above is of the others; allow more with --fail-on-error 1.",
        )
    say(f"{failed} of {counts['images']} images failed ({codes}); the others are done. Reasons: {where}")
    raise typer.Exit(EXIT_PARTIAL)
