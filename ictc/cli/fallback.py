"""The question to a person on a terminal, when a model is gone and nobody said what to do then."""

from __future__ import annotations

import sys

import typer

from ictc.cli.console import say
from ictc.errors import ModelGone


def ask_fallback(error: ModelGone, *, interactive: bool | None = None) -> bool:
    """Whether the rest is to be done without the model. Without a terminal to ask on: no.

    `interactive` None asks where both standard input and standard error are terminals.
    """
    if interactive is None:
        interactive = sys.stdin.isatty() and sys.stderr.isatty()
    if not interactive:
        return False
    say(f"{error.message}\nWhat it answered is kept.")
    try:
        return typer.confirm("Do the rest with the offline reasoner instead?", default=False, err=True)
    except typer.Abort:
        return False
