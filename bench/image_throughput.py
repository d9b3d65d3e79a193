"""Images end to end against the bare network: `python -m bench image_throughput`.

End to end is what step 1 does with images it never saw: decode, measure, resize, run the network, commit to a store on
disk (hashing the files is apart: it is done when the input is read). The bare network is the same network on ready
pixels, with the better of two ways to use all cores: one pass on all of them, or one pass a core side by side.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from ictc.images.decode import open_rgb
from ictc.images.sources import read_source
from ictc.models.efficientnet import EfficientNetLite0, batch_for, side_for
from ictc.store import Store
from ictc.types import Item
from step1.seeing import Eyes

WANTED = 0.8
ROUNDS = 7


def bare(net: EfficientNetLite0, side: int, images: int) -> float:
    """Images a second through the network alone."""
    import torch

    batch = batch_for(side)
    pixels = np.random.default_rng(0).integers(0, 256, (batch, side, side, 3), dtype=np.uint8)
    cores = os.cpu_count() or 1
    passes = -(-max(images // batch, 1) // cores) * cores  # no core is left idle in the last round

    def together() -> None:
        torch.set_num_threads(cores)
        for _ in range(passes):
            net.features(pixels)

    def side_by_side() -> None:
        with ThreadPoolExecutor(cores, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            list(pool.map(lambda _: net.features(pixels), range(passes)))

    net.features(pixels)
    rates = [passes * batch / _seconds(way) for way in (together, side_by_side)]
    torch.set_num_threads(cores)
    return max(rates)


def main(data: Path) -> None:
    """Prints a row per folder of `data`/images: medians over rounds that take turns.

    The two are timed back to back and the ratio is taken round by round: on a shared machine the speed of both
    wanders together.
    """
    net = EfficientNetLite0()
    print("| images | n | px | end to end, images/s | bare network | ratio | wanted | again, s |")
    print("|---|---|---|---|---|---|---|---|")
    for folder in sorted(p for p in (data / "images").iterdir() if p.is_dir()):
        items = read_source(folder).items
        assert items[0].path is not None
        side = side_for(*open_rgb(items[0].path).size)
        rounds = np.array([_round(net, side, items) for _ in range(ROUNDS)])
        whole, alone, ratio, again = np.median(rounds, axis=0)
        print(
            f"| {folder.name} | {len(items)} | {side} | {whole:.0f} | {alone:.0f} | {ratio:.3f} | {WANTED} "
            f"| {again:.2f} |",
            flush=True,
        )


def _round(net: EfficientNetLite0, side: int, items: Sequence[Item]) -> tuple[float, float, float, float]:
    """Images a second end to end and through the bare network, their ratio, and the seconds of a repeat."""
    alone = bare(net, side, len(items))
    with tempfile.TemporaryDirectory() as scratch, Store(Path(scratch) / "store.sqlite") as store:
        look = partial(Eyes(store, net).look, items)
        whole = len(items) / _seconds(look)
        return whole, alone, whole / alone, _seconds(look)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
