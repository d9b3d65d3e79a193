"""The command line. Importing it, and `ictc --help`, loads neither torch nor scikit-learn."""

from __future__ import annotations


def main() -> None:
    """The `ictc` command."""
    from ictc.cli.app import app

    app()
