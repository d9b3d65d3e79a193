"""What the CLI does around commands that call models: the fallback that a person is asked about, and dry runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ictc.cli.console import out, plain, print_json, say, show_line
from ictc.errors import ModelGone

if TYPE_CHECKING:
    from ictc.cli.model_options import Given
    from ictc.job import Asked
    from ictc.means import Means
    from ictc.spending.estimate import Estimate

R = TypeVar("R")


def going_on(work: Callable[[Means], R], means: Means, given: Given) -> R:
    """`work` by these means; where a model is gone, again with the offline lane for the rest, if the person wants it.

    Raises:
        ModelGone: nobody is there to be asked, or the answer was no.
    """
    try:
        return work(means)
    except ModelGone as gone:
        from ictc.cli.fallback import ask_fallback

        if means.fallback is not None or not given.may_ask or not ask_fallback(gone):
            raise
        say("The offline lane does the rest.")
        return work(replace(means, fallback="offline"))


def dry_run(asked: Sequence[Asked], folder: Path, json_output: bool) -> None:
    """What the command would ask and cost, a table a criterion; nothing is asked, nothing is written."""
    from ictc.planning import plans

    show_plans([(one.criterion, found) for one, found in zip(asked, plans(asked, folder), strict=True)], json_output)


def show_plans(plans: Sequence[tuple[str, Estimate]], json_output: bool) -> None:
    """Estimates, each under its title."""
    from rich.table import Table

    if json_output:
        rows = [{"criterion": criterion, **found.to_json()} for criterion, found in plans]
        print_json({"dry_run": True, **(rows[0] if len(rows) == 1 else {"runs": rows})})
        return
    for criterion, found in plans:
        table = Table(title=plain(criterion), title_justify="left")
        for column in found.HEADER:
            table.add_column(column, overflow="fold")
        for row in found.rows():
            table.add_row(*map(plain, row))
        out().print(table)
        if found.embeds:
            show_line(found.embeds.line())
        show_line(found.time_line())
        for remark in found.remarks:
            say(remark)
    say("Nothing was asked. Leave --dry-run away to go on.")
