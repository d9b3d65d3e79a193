"""`ictc diff`: two revisions, or two runs, compared."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from ictc.cli import options as o
from ictc.cli.console import out, print_json, show_line
from ictc.cli.tables import cell
from ictc.errors import UsageError
from ictc.result import UNASSIGNED
from ictc.text import command_line

if TYPE_CHECKING:
    from ictc.differing import Difference, Fate, Moved
    from ictc.job import Done

Targets = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN [NNN NNN]",
        envvar="ICTC_RUN",
        help="A run folder, then two of its revisions (one: against the last; none: the last two finished). "
        "Or two runs, each RUN or RUN:NNN.",
    ),
]
MovedFile = Annotated[
    Path | None,
    typer.Option(
        "--moved",
        envvar="ICTC_MOVED",
        metavar="FILE.csv",
        help="Write every image whose cluster has another name now, with why.",
    ),
]
_COLUMNS = ("image", "before", "after", "why", "confidence_before", "confidence")
_SHOWN = 12
_EXAMPLES = 5


def diff(targets: Targets, moved: MovedFile = None, json_output: o.Json = False) -> None:
    """Say what differs between two revisions of RUN, or two runs: which images moved, which clusters were renamed,
    split, merged, are new or gone, and how far the two agree (ARI, NMI). Computes nothing else.
    """
    from ictc.differing import compared

    if moved:
        _check_free(moved)
    first, second = _opened(targets)
    found = compared(first.result, second.result, _named(first), _named(second))
    if moved:
        _write(moved, found.images)
    if json_output:
        ends = {"before": _named(first), "after": _named(second)}
        print_json({**ends, **found.to_json(), "moved_file": str(moved) if moved else None})
        return
    show_difference(found, _named(first), _named(second))
    if moved:
        show_line(f"every image with another cluster: {moved}")


def show_difference(found: Difference, before: str, after: str) -> None:
    """For a person."""
    from rich.table import Table

    show_line(f"{before} → {after}")
    if found.criteria[0] != found.criteria[1]:
        show_line(f"criterion: {found.criteria[0]} → {found.criteria[1]}")
    if found.changes:
        table = Table(title="clusters", title_justify="left")
        for name in ("what", "before", "after"):
            table.add_column(name, overflow="fold")
        table.add_column("images", justify="right")
        table.add_column("of these in after", justify="right")
        for fate in found.changes:
            stayed = f"{fate.stayed}" if fate.before and fate.after else ""
            table.add_row(fate.what, _names(fate.before), _names(fate.after), f"{fate.images}", stayed)
        out().print(table)
    kept = [f for f in found.fates if f.what == "kept"]
    whole = sum(f.stayed == f.images for f in kept)
    show_line(f"clusters: {len(kept)} kept their name ({whole} of them all their images){_counted(found.changes)}")
    _show_moved(found.moved)
    show_line(f"images in both: {found.common}; only before: {found.only_before}; only after: {found.only_after}")
    if found.ari is not None:
        show_line(f"agreement: ARI {found.ari:.4f}, NMI {found.nmi:.4f} (1: the same)")


def _show_moved(moved: Sequence[Moved]) -> None:
    from rich.table import Table

    ways: dict[tuple[str, str], list[Moved]] = {}
    for m in moved:
        ways.setdefault((m.before or UNASSIGNED, m.after or UNASSIGNED), []).append(m)
    show_line(f"images that moved by themselves: {len(moved)}")
    if not moved:
        return
    table = Table()
    for name in ("from", "to"):
        table.add_column(name, overflow="fold")
    table.add_column("images", justify="right")
    table.add_column("mean confidence", justify="right")
    table.add_column("for example", style="dim")
    ranked = sorted(ways.items(), key=lambda x: (-len(x[1]), x[0]))
    for (before, after), some in ranked[:_SHOWN]:
        sure = [m.confidence for m in some if m.confidence is not None]
        mean = f"{sum(sure) / len(sure):.2f}" if sure else ""
        table.add_row(cell(before, 40), cell(after, 40), f"{len(some)}", mean, cell(some[0].image, 28))
    out().print(table)
    if len(ranked) > _SHOWN:
        show_line(f"and {len(ranked) - _SHOWN} more ways; all of them: --moved FILE.csv")


def _counted(changes: Sequence[Fate]) -> str:
    kinds = dict.fromkeys(f.what for f in changes)
    return "".join(f"; {sum(f.what == kind for f in changes)} {kind}" for kind in kinds)


def _names(names: Sequence[str]) -> Text:
    return cell(" + ".join(names), 80)


def _named(done: Done) -> str:
    return f"{done.folder.path}:{done.revision.id}"


def _write(file: Path, images: Sequence[Moved]) -> None:
    from ictc.files import write_atomic

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for m in images:
        row = (getattr(m, name) for name in _COLUMNS)
        writer.writerow(["" if value is None else value for value in row])
    write_atomic(file, text.getvalue())


def _check_free(file: Path) -> None:
    """A table of an earlier comparison is replaced, and nothing else."""
    try:
        with file.open(encoding="utf-8", errors="replace") as there:
            ours = there.readline().rstrip("\n") == ",".join(_COLUMNS)
    except FileNotFoundError:
        return
    except OSError as e:
        raise UsageError(f"--moved {file}: {e.strerror}.", "Give the name of a new file.") from e
    if not ours:
        raise UsageError(f"--moved {file}: it is there, and another file.", "Give the name of a new file.")


def _opened(targets: Sequence[str]) -> tuple[Done, Done]:
    from ictc.outputs import last_two, reopen

    if len(targets) > 3:
        raise UsageError(f"{len(targets)} things were given; two can be compared.", _hint(targets[0]))
    run, *rest = targets
    if not rest:
        folder, revision = _parted(run)
        if revision:
            raise UsageError(f"{run} is one revision; compare it with what?", _hint(str(folder)))
        before, after = last_two(folder)
        return reopen(folder, before), reopen(folder, after)
    if len(rest) == 2 or (rest[0].isdigit() and not (Path(rest[0]) / "run.json").exists()):
        if odd := [r for r in rest if not r.isdigit()]:
            raise UsageError(f"'{odd[0]}' is no revision.", _hint(run))
        return reopen(Path(run), rest[0]), reopen(Path(run), rest[1] if len(rest) == 2 else "")
    first, second = _parted(run), _parted(rest[0])
    return reopen(*first), reopen(*second)


def _parted(text: str) -> tuple[Path, str]:
    """`RUN` or `RUN:NNN`; a folder that is called so is one."""
    path, colon, revision = text.rpartition(":")
    return (Path(path), revision) if colon and revision.isdigit() and not Path(text).exists() else (Path(text), "")


def _hint(run: str) -> str:
    return f"For example: {command_line('diff', run, '001', '002')}, or {command_line('diff', run + ':001', 'OTHER')}"
