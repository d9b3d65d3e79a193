"""All measurements, one after another: `python -m bench [--data DIR] [NAME ...]`."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

ALL = ("end_to_end", "text_accuracy", "image_accuracy", "image_throughput")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=[], metavar="NAME", help=f"which: {', '.join(ALL)}")
    parser.add_argument("--data", default=os.environ.get("ICTC_DATA"), help="folder of captions, images, recorded")
    arguments = parser.parse_args()
    if not arguments.data or not Path(arguments.data).is_dir():
        print("The measurements need data. Run: make bench ICTC_DATA=DIR (see docs/benchmarks.md)", file=sys.stderr)
        return 2
    for name in arguments.names or ALL:
        print(f"\n## {name}\n", flush=True)
        import_module(f"bench.{name}").main(Path(arguments.data))
    return 0


if __name__ == "__main__":
    sys.exit(main())
