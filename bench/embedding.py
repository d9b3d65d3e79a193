"""Embedding and reading back: `python -m bench embedding`.

1,000 images through `CachedImages` and the offline embedder into a store on disk, against the bare network on ready
pixels (as `image_throughput` measures it); then 100,000 vectors of 512 numbers read back by the images' hashes, in wall
and in processor time (on a machine that others use, the second is what can be compared).
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.image_throughput import bare
from ictc.embed.images import CachedImages
from ictc.embedders.opening import open_images
from ictc.images.decode import open_rgb
from ictc.images.sources import read_source
from ictc.interfaces import Tick, Vectors, no_tick
from ictc.modeloptions import ModelOptions
from ictc.models.efficientnet import EfficientNetLite0, side_for
from ictc.store import Store
from ictc.types import Failure, Item

WANTED, MOST_SECONDS = 0.8, 1.0
ROUNDS = 3
N, WIDTH, BLOCK = 100_000, 512, 1_000


class Made:
    """Vectors by chance, for the store alone."""

    fingerprint = "made/1"

    def embed_images(self, items: list[Item], tick: Tick = no_tick) -> list[Vectors | Failure]:
        rng = np.random.default_rng(int(items[0].name))
        tick(len(items))
        return list(rng.normal(size=(len(items), WIDTH)).astype(np.float32))


def main(data: Path) -> None:
    print("| what | measured | wanted |\n|---|---|---|")
    ratios = [_ratio(data / "images" / "cifar10_1k") for _ in range(ROUNDS)]
    print(f"| 1,000 images embedded, of the bare forward rate | {np.median(ratios):.2f} | >= {WANTED} |", flush=True)
    wall, cpu = _read_back()
    print(f"| 100,000 vectors read back | {wall:.2f} s ({cpu:.2f} s of processor time) | < {MOST_SECONDS:.0f} s |")


def _ratio(folder: Path) -> float:
    net, items = EfficientNetLite0(), read_source(folder).items
    assert items[0].path is not None
    alone = bare(net, side_for(*open_rgb(items[0].path).size), len(items))
    with tempfile.TemporaryDirectory() as scratch, Store(Path(scratch) / "store.sqlite") as store:
        embedder = open_images("offline", store, ModelOptions())
        embedder.embed_images(items[:1])  # loads the network
        start = time.perf_counter()
        embedder.embed_images(items[1:])
        return (len(items) - 1) / (time.perf_counter() - start) / alone


def _read_back() -> tuple[float, float]:
    items = [Item(str(i), None, hashlib.sha256(str(i).encode()).hexdigest()) for i in range(N)]
    with tempfile.TemporaryDirectory() as scratch:
        with Store(Path(scratch) / "store.sqlite") as store:
            for start in range(0, N, BLOCK):
                CachedImages(Made(), store).embed_images(items[start : start + BLOCK])
        times = []
        for _ in range(ROUNDS):
            with Store(Path(scratch) / "store.sqlite") as store:
                began = time.perf_counter(), time.process_time()
                rows = CachedImages(Made(), store).recall([i.sha256 for i in items])
                times.append((time.perf_counter() - began[0], time.process_time() - began[1]))
            assert rows is not None and rows.shape == (N, WIDTH)
        return min(t[0] for t in times), min(t[1] for t in times)
