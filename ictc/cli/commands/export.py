"""`ictc export` and `ictc undo`: a result taken away as folders, tables and what other tools read; and put back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ictc.cli import options as o
from ictc.cli.console import print_json, say, show_line, watch
from ictc.cli.outcome import outcome_for
from ictc.errors import EXIT_PARTIAL, UsageError
from ictc.text import command_line, printable, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ictc.exporting.job import Prepared
    from ictc.types import Failure

To = Annotated[
    str,
    typer.Option(
        "--to", envvar="ICTC_TO", metavar="FORMAT",
        help="folders, csv, jsonl, parquet, imagefolder (Hugging Face), coco, fiftyone or xmp (sidecars).",
    ),
]  # fmt: skip
Target = Annotated[
    Path | None,
    typer.Option(
        "--target", "-o", envvar="ICTC_TARGET", metavar="TARGET",
        help=r"A new or empty folder, or a new file. \[default: beside RUN, called after it]",
    ),
]  # fmt: skip
How = Annotated[
    str,
    typer.Option(
        "--how", envvar="ICTC_HOW", metavar="copy|hardlink|symlink|move",
        help="How images come into the target. A move is shown first and asked about, or needs --yes.",
    ),
]  # fmt: skip
LeaveOut = Annotated[
    list[str] | None,
    typer.Option(
        "--leave-out", envvar="ICTC_LEAVE_OUT", metavar="unassigned|outlier|failed",
        help="Images to leave out; may be repeated. By default they have folders of their own.",
    ),
]  # fmt: skip
DryRun = Annotated[bool, typer.Option("--dry-run", envvar="ICTC_DRY_RUN", help="Say what it would do; change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", envvar="ICTC_YES", help="Move without asking.")]
Beside = Annotated[
    bool, typer.Option("--beside", envvar="ICTC_BESIDE", help="Of xmp: put the sidecars beside the images.")
]
Undoable = Annotated[
    Path,
    typer.Argument(
        metavar="TARGET_OR_RUN",
        envvar="ICTC_EXPORTED",
        help="The folder of an export; or a run, whose last export is undone.",
    ),
]
Trusted = Annotated[
    bool, typer.Option("--yes", envvar="ICTC_YES", help="Also if the run does not know the export, or is gone.")
]
_SHOWN, _WIDTH = 8, 60


def export(
    run: o.Run,
    to: To,
    target: Target = None,
    how: How = "copy",
    leave_out: LeaveOut = None,
    revision: o.RevisionId = "",
    beside: Beside = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    fail_on_error: o.FailOnError = 0.5,
    json_output: o.Json = False,
) -> None:
    """Take RUN's result away: images in folders by cluster, a table, or what another tool reads.

    Nothing is ever overwritten; `ictc undo` puts everything back. The same command again goes on where it stopped.
    """
    from ictc import outputs
    from ictc.exporting import job

    asked = job.Asked(to, target, how, tuple(leave_out or ()), beside)  # type: ignore[arg-type]
    prepared = job.prepare(outputs.reopen(run, revision), asked)
    if dry_run:
        if json_output:
            print_json({"dry_run": True, **prepared.to_json()})
        else:
            _show_plan(prepared)
            say("Nothing was changed. Leave --dry-run away to go on.")
        return
    if how == "move" and prepared.todo and not yes:
        _ask(prepared, json_output)
    done = job.carry_out(prepared, watch)
    outcome = outcome_for(done.failures, len(done.failures), done.wanted, fail_on_error, "see above, or --json")
    for note in done.notes:
        say(note)
    _say_failures(done.failures)
    if json_output:
        print_json({**done.to_json(), **outcome.to_json()})
    else:
        where = f"beside the images, of {run}" if beside else str(prepared.target)
        new = done.images + done.written - done.there
        already = f", {done.there:,} there already" if done.there else ""
        show_line(f"exported: {where} ({new:,} files{already})")
        if not prepared.format.extension:
            say(f"To put everything back: {command_line('undo', str(run if beside else prepared.target))}")
    outcome.leave()


def undo(path: Undoable, yes: Trusted = False, json_output: o.Json = False) -> None:
    """Undo an export: what was moved goes back, what was made is removed, what changed since stays and is told.

    May be stopped and given again at any time.
    """
    from ictc.exporting.undojob import put_back

    done = put_back(path, watch, trusted=yes)
    for note in done.notes:
        say(note)
    _say_failures(done.undone.failures)
    if json_output:
        print_json({**done.to_json(), "exit": EXIT_PARTIAL if done.undone.failures else 0})
    elif done.journal is None:
        show_line(f"nothing to undo, {path}: {done.nothing}")
    else:
        undone = done.undone
        kept = f"; {len(undone.kept)} folders stay, other things are in them" if undone.kept else ""
        show_line(
            f"undone: {len(undone.moved):,} images where they were, {undone.removed:,} files removed, "
            f"{undone.restored:,} as they were before{kept}"
        )
    if done.undone.failures:
        say(f"{len(done.undone.failures)} files were left as they are. Mend that and undo again; the journal stays.")
        raise typer.Exit(EXIT_PARTIAL)


def _ask(prepared: Prepared, json_output: bool) -> None:
    """A move is shown first. Raises UsageError: nobody is there to say yes."""
    if json_output or not (sys.stdin.isatty() and sys.stderr.isatty()):
        if not json_output:
            _show_plan(prepared)
        raise UsageError(
            f"{len(prepared.todo)} images would be moved out of their folders; that needs a yes.",
            "Look at it with --dry-run, then add --yes; or leave the images where they are: --how copy",
        )
    _show_plan(prepared)
    if not typer.confirm(f"Move {len(prepared.todo)} images?", default=False, err=True):
        say("Nothing was moved.")
        raise typer.Exit(0)


def _show_plan(prepared: Prepared) -> None:
    verb = prepared.asked.how
    if not prepared.format.takes_images:
        where = "beside the images" if prepared.asked.beside else str(prepared.target)
        show_line(f"{prepared.asked.format}: {len(prepared.subject.rows):,} images -> {where}")
        return
    for folder, count in prepared.folders().items():
        show_line(f"{count:>7,}  {prepared.target / folder}")
    for place in prepared.todo[:_SHOWN]:
        show_line(f"{verb}: {shortened(str(place.row.path), _WIDTH)} -> {shortened(printable(place.to), _WIDTH)}")
    if len(prepared.todo) > _SHOWN:
        show_line(f"... and {len(prepared.todo) - _SHOWN:,} more; --dry-run --json has all")
    if prepared.there:
        show_line(f"{prepared.there:,} are there already")
    _say_failures(prepared.failures)


def _say_failures(failures: Sequence[Failure]) -> None:
    for failure in failures[:_SHOWN]:
        say(f"{failure.image}: {failure.message}")
    if len(failures) > _SHOWN:
        say(f"... and {len(failures) - _SHOWN:,} more; --json has all")
