"""`ictc refine --suggest`: what could be better, as options to type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ictc.cli.console import print_json, say, show_line
from ictc.cli.refining import may_go_on
from ictc.text import command_line

if TYPE_CHECKING:
    from ictc.steering.advice import Advice
    from ictc.steering.work import Refinement


def suggested(asked: Refinement, yes: bool, json_output: bool) -> None:
    """Asks for suggestions, once what that takes may be spent, and shows them."""
    from ictc.steering.advice import advice_takes, advise

    if not may_go_on(advice_takes(asked), yes):
        raise typer.Exit(1)
    found = advise(asked)
    if json_output:
        print_json(
            {
                "run": str(asked.folder),
                "revision": found.done.revision.id,
                "by": found.by,
                "remark": found.remark,
                "suggestions": [s.to_json() for s in found.suggestions],
            }
        )
        return
    show_suggestions(found)
    if found.suggestions:
        first = found.suggestions[0].command()
        say(f"To accept one: {command_line('refine', str(asked.folder))} {first}")


def show_suggestions(found: Advice) -> None:
    """Numbered, with why."""
    if found.remark:
        say(found.remark)
    if not found.suggestions:
        show_line(f"Nothing is suggested (by {found.by}).")
    for n, s in enumerate(found.suggestions, 1):
        show_line(f"{n}. {s.command()}")
        show_line(f"   {s.why}")
