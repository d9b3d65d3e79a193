"""What large collections take: `python -m bench scale` (the engines need Ray: `make test-ray` makes `.venv-ray`).

The engines: step 1 on the same images here and by the workers of a Ray cluster on this machine. Start-up (Ray, the
workers, their weights) is measured apart, as the time to the first results; what is compared are images a second
after it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from ictc.engine import Engine
from ictc.images.sources import read_source
from ictc.models.efficientnet import EfficientNetLite0
from ictc.place import Place
from ictc.remote.opening import open_engine
from ictc.types import Item
from step1.seeing import CHUNK, Looking, fingerprint_of

IMAGES = 4000
ROUNDS = 3
WANTED = 0.8


def main(data: Path) -> None:
    """Prints a row a round: the engines take turns, as a shared machine's speed wanders."""
    if find_spec("ray") is None:
        print("Ray is not installed here: make test-ray, then .venv-ray/bin/python -m bench scale")
        return
    items = read_source(str(data / "images" / "cifar10_1k")).items
    some = [replace(i, name=f"{n}/{i.name}") for n in range(-(-IMAGES // len(items))) for i in items][:IMAGES]
    print("| round | local, images/s | ray, images/s | ray / local | start-up of ray, s |")
    print("|---|---|---|---|---|")
    ratios = []
    for number in range(ROUNDS):
        (here, _), (there, start) = (rate(open_engine(Place(e)), some) for e in ("local", "ray"))
        ratios.append(there / here)
        print(f"| {number + 1} | {here:.0f} | {there:.0f} | {ratios[-1]:.2f} | {start:.1f} |", flush=True)
    print(f"\nMedian {sorted(ratios)[ROUNDS // 2]:.2f}; wanted: {WANTED}")


def rate(engine: Engine, items: list[Item]) -> tuple[float, float]:
    """Images a second after the first results, and the seconds until these."""
    net = EfficientNetLite0()
    begun = time.perf_counter()
    found = engine.map(Looking(net, fingerprint_of(net)), _chunks(items))
    first = len(next(found))
    started = time.perf_counter()
    rest = sum(len(part) for part in found)
    assert first + rest == len(items)
    return rest / (time.perf_counter() - started), started - begun


def _chunks(items: list[Item]) -> Iterator[list[Item]]:
    return (items[i : i + CHUNK] for i in range(0, len(items), CHUNK))
