"""How a finished command exits: 0 all well, 3 some images failed, 4 too many did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from ictc.cli.console import error_json, fail, say
from ictc.errors import EXIT_PARTIAL, TooManyFailures

if TYPE_CHECKING:
    from pathlib import Path

    from ictc.job import Done
    from ictc.types import Failure


@dataclass(frozen=True, slots=True)
class Outcome:
    """`error` when too many failed; `remark` when some did and the others are done."""

    error: TooManyFailures | None = None
    remark: str = ""

    def to_json(self) -> dict[str, Any]:
        """The exit code, and the error where there is one: part of the one object that --json prints."""
        return error_json(self.error) if self.error else {"exit": EXIT_PARTIAL if self.remark else 0}

    def leave(self) -> None:
        """Says how many images failed and why, and exits accordingly; call it after the result was printed."""
        if self.error:
            fail(self.error, as_json=False)
        if self.remark:
            say(self.remark)
            raise typer.Exit(EXIT_PARTIAL)


def outcome_of(done: Done, fail_on_error: float) -> Outcome:
    """Too many failed when their share is above `fail_on_error`."""
    counts = done.result.counts
    where = done.revision.path / "failures.jsonl"
    return outcome_for(done.result.failures, counts["failed"], counts["images"], fail_on_error, where)


def outcome_for(
    failures: Sequence[Failure], failed: int, images: int, fail_on_error: float, where: Path | str
) -> Outcome:
    """Of `images`, so many `failed`, for the reasons that are in the file `where`."""
    if not failed:
        return Outcome()
    codes = ", ".join(f"{c}: {n}" for c, n in Counter(f.code for f in failures).most_common())
    said = f"{failed} of {images} images failed ({codes})"
    if failed <= fail_on_error * images:
        return Outcome(remark=f"{said}; the others are done. Reasons: {where}")
    return Outcome(
        TooManyFailures(
            f"{said}; --fail-on-error allows {fail_on_error:.0%}.",
            f"Reasons: {where}. The result above is of the others; allow more with --fail-on-error 1.",
        )
    )


def worst(outcomes: Sequence[Outcome]) -> Outcome:
    """The one that decides how a command for several criteria exits."""
    return max(outcomes, key=lambda o: (o.error is not None, bool(o.remark)))
