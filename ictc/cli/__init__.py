"""The command line. Importing it, and `ictc --help`, loads neither torch nor scikit-learn."""

from __future__ import annotations


def main() -> None:
    """The `ictc` command."""
    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where it is ignored, as under nohup
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback from the first imports

    from ictc.cli.ending import guard_streams, quit_while_loading

    quit_while_loading()

    import os
    import sys
    import warnings

    # threads that wait for work sleep instead of spinning: a third less CPU time where cores are shared (must be set
    # before the first library with OpenMP is loaded)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    from ictc.cli.app import app

    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # a damaged EXIF block is no news
    guard_streams()
    try:
        app()
    finally:
        sys.stdout.flush()  # a reader that went away shows here, not while Python ends
