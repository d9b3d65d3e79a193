"""`ictc refine`, `diff`, `export` and `undo` as functions. Each change of a run is a new revision (docs/refine.md)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from ictc.differing import Difference, compared
from ictc.exporting import job as exporting
from ictc.exporting.job import Exported
from ictc.exporting.plan import How
from ictc.exporting.rows import Status
from ictc.exporting.undojob import PutBack, put_back
from ictc.outputs import accept, last_two, reopen
from ictc.progress import Watch, unwatched
from ictc.spending.estimate import Estimate
from ictc.spending.meter import Meter
from ictc.steering.advice import Advice, advise
from ictc.steering.corrections import Change
from ictc.steering.forecast import forecast
from ictc.steering.job import Refined, refine, undo
from ictc.steering.looking import Why, why
from ictc.steering.work import Refinement, refinement

K = int | None | Literal["same"]


def refine_run(
    run: str | Path,
    changes: Sequence[Change] = (),
    *,
    criterion: str | None = None,
    k: K = "same",
    keep_descriptions: bool = False,
    corrections: str | Path | None = None,
    revision: str = "",
    watch: Watch = unwatched,
    meter: Meter | None = None,
    **means: Any,
) -> Refined:
    """Change a finished result (`ictc refine`): all that is given is one new revision, made in this order.

    Args:
        run: a run folder.
        changes: such as `[Rename("car", "cars"), Merge(("cat", "dog"), "pets"), Move(("1.png",), "pets")]`; also
            `Split`, `Drop`, `Add`, `Pin`, `Unpin`, and the `change` of a suggestion.
        criterion: another criterion, after the changes.
        k: another number of clusters, None to have it chosen; "same": as it is.
        keep_descriptions: with another criterion, no image is looked at again.
        corrections: another run, or its corrections.jsonl, whose corrections are made here too, as far as they apply.
        revision: the one to start from; "": the last finished.
        watch: is told of progress; silent by default.
        meter: counts what models are asked, and keeps to its limits (`ictc.spending.meter.Meter`).
        means: what is to be other than the run was told, as of `cluster`: `reasoner`, `budget`, `fallback`, ...

    Returns:
        `done.result` and `done.revision` of the new revision, `before`, and what was `left_out`. The same call again
        finds the same revision.

    Raises:
        UsageError: a change cannot be made; nothing is written. RunError, StepError, ModelGone, BudgetSpent: as their
            names say; what was answered is kept, and the same call goes on.
    """
    return refine(_asked(run, changes, criterion, k, keep_descriptions, corrections, revision, means, watch, meter))


def plan_refinement(
    run: str | Path,
    changes: Sequence[Change] = (),
    *,
    criterion: str | None = None,
    k: K = "same",
    keep_descriptions: bool = False,
    corrections: str | Path | None = None,
    revision: str = "",
    **means: Any,
) -> Estimate:
    """What `refine_run` would ask and cost (`--dry-run`), with `remarks` on the result to come. Raises as it does."""
    return forecast(_asked(run, changes, criterion, k, keep_descriptions, corrections, revision, means))


def suggest_changes(run: str | Path, *, revision: str = "", meter: Meter | None = None, **means: Any) -> Advice:
    """What could be better about a result: `suggestions`, each with a `change` and `why` (`ictc refine --suggest`). A
    model is asked once where the run has one.

    Raises:
        RunError: no such run or revision. ModelGone, BudgetSpent: as their names say.
    """
    return advise(Refinement(Path(run), revision=revision, given=means, meter=meter or Meter()))


def why_there(run: str | Path, image: str, *, revision: str = "") -> list[Why]:
    """Why an image, or all that fit a pattern, are where they are (`ictc refine --why`). Raises UsageError: none is."""
    done = reopen(Path(run), revision)
    return why(image, done.result, done.revision.corrections())


def undo_refinement(run: str | Path) -> Refined:
    """Back to the revision that the last one was made of; none is deleted. Raises UsageError: there is none."""
    return undo(Path(run))


def accept_revision(run: str | Path, revision: str = "", *, watch: Watch = unwatched) -> Path:
    """Say that a finished revision ("": the last) is the one wanted; gives its report. Raises RunError: no such one."""
    return accept(Path(run), revision, watch)[0]


def diff_runs(run: str | Path, other: str | Path | None = None, *, before: str = "", after: str = "") -> Difference:
    """What differs (`ictc diff`) between two revisions of a run, or between two runs.

    Args:
        run: a run folder; other: another one.
        before: a revision of `run`; after: one of `other`, where that is given, else of `run`. "": the last two
            finished of the one run; with `before` alone, or two runs, the last.

    Raises:
        RunError: no such run or revision. UsageError: there are not two. InputError: no image is in both.
    """
    if other is None and not before:
        before, last = last_two(Path(run))
        after = after or last
    first, second = reopen(Path(run), before), reopen(Path(run if other is None else other), after)
    return compared(first.result, second.result, *(f"{d.folder.path}:{d.revision.id}" for d in (first, second)))


def export_run(
    run: str | Path,
    to: str,
    target: str | Path | None = None,
    *,
    how: How = "copy",
    leave_out: Sequence[Status] = (),
    beside: bool = False,
    revision: str = "",
    watch: Watch = unwatched,
) -> Exported:
    """Take a result away (`ictc export`, docs/export.md); nothing is ever overwritten, and a folder can be put back.

    Args:
        to: `"folders"`, `"csv"`, `"jsonl"`, `"parquet"`, `"imagefolder"`, `"coco"`, `"fiftyone"` or `"xmp"`.
        target: a new or empty folder, or a new file; None: beside the run, called after it.
        how: `"copy"`, `"hardlink"`, `"symlink"` or `"move"`, which asks nobody here.
        leave_out: of `"unassigned"`, `"outlier"`, `"failed"`. beside: of `"xmp"`: sidecars beside the images.

    Raises:
        UsageError: bad options or target. InputError: there are no image files. StorageFull: the same call goes on.
    """
    asked = exporting.Asked(to, Path(target) if target else None, how, tuple(leave_out), beside)
    return exporting.carry_out(exporting.prepare(reopen(Path(run), revision), asked), watch)


def undo_export(path: str | Path, *, trusted: bool = False, watch: Watch = unwatched) -> PutBack:
    """Undo the export that lies at `path`, or the last one left of the run `path` (`ictc undo`).

    Raises:
        UsageError: there is none, or its run does not know it and it is not `trusted`.
    """
    return put_back(Path(path), watch, trusted=trusted)


def _asked(
    run: str | Path,
    changes: Sequence[Change],
    criterion: str | None,
    k: K,
    keep: bool,
    corrections: str | Path | None,
    revision: str,
    means: dict[str, Any],
    watch: Watch = unwatched,
    meter: Meter | None = None,
) -> Refinement:
    carried = Path(corrections) if corrections else None
    return refinement(Path(run), changes, revision, means, criterion, k, keep, carried, watch, meter or Meter())
