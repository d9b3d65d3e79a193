"""All measurements, one after another: `python -m bench [--data DIR] [NAME ...]`."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

WITHOUT_DATA = ("throughput", "clustering", "report", "refine")
ALL = (
    "end_to_end",
    "text_accuracy",
    "image_accuracy",
    "embedding",
    "embedding_lane",
    "evening",
    "features",
    "classification",
    "image_throughput",
    "replay",
    "accuracy",
    "ablation",
    "outliers",
    "sampling",
    "scale",
    *WITHOUT_DATA,
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=[], metavar="NAME", help=f"which: {', '.join(ALL)}")
    parser.add_argument("--data", default=os.environ.get("ICTC_DATA"), help="folder of captions, images, recorded")
    own = parser.add_argument_group("a set of your own, for accuracy alone")
    own.add_argument("--captions", type=Path, metavar="FILE", help="descriptions, as recorded: reads them")
    own.add_argument("--recorded", type=Path, metavar="DIR", help="a recorded run of the original, or a folder of such")
    own.add_argument("-c", "--criterion")
    own.add_argument("-k", type=int)
    own.add_argument("--truth", default="filename", help="as of ictc score: filename, folder or FILE:COLUMN")
    arguments = parser.parse_args()
    if arguments.captions:
        if arguments.names != ["accuracy"] or not arguments.criterion or not arguments.k:
            parser.error("--captions goes with: accuracy --captions FILE --criterion C -k K")
        return _own(arguments)
    names = arguments.names or ALL
    if not set(names) <= set(WITHOUT_DATA) and not Path(arguments.data or "/dev/null").is_dir():
        print("The measurements need data. Run: make bench ICTC_DATA=DIR (see docs/benchmarks.md)", file=sys.stderr)
        return 2
    for name in names:
        print(f"\n## {name}\n", flush=True)
        import_module(f"bench.{name}").main(Path(arguments.data or "."))
    return 0


def _own(arguments: argparse.Namespace) -> int:
    from bench.accuracy import table
    from bench.replay import Task

    a = arguments
    table(Task(a.captions.name, a.captions, a.recorded, a.criterion, a.k, a.truth))
    return 0


if __name__ == "__main__":
    sys.exit(main())
