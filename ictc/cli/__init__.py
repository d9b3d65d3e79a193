"""The command line. Importing it, and `ictc --help`, loads neither torch nor scikit-learn."""

from __future__ import annotations


def main() -> None:
    """The `ictc` command."""
    import warnings

    from ictc.cli.app import app

    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # a damaged EXIF block is no news
    app()
