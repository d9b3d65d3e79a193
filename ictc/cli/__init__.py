"""The command line. Importing it, and `ictc --help`, loads neither torch nor scikit-learn."""

from __future__ import annotations


def main() -> None:
    """The `ictc` command."""
    import io
    import os
    import sys
    import warnings

    # threads that wait for work sleep instead of spinning: a third less CPU time where cores are shared (must be set
    # before the first library with OpenMP is loaded)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    from ictc.cli.app import app

    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # a damaged EXIF block is no news
    if isinstance(sys.stdout, io.TextIOWrapper):  # standard error escapes what it cannot encode by itself
        sys.stdout.reconfigure(errors="replace")
    app()
