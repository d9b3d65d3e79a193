"""Tiny pictures in folders of their class, and made-up vectors of them that hold the class: `vectors:FILE`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ictc.embed.files import write_vectors
from ictc.images.sources import read_source
from ictc.interfaces import Tick
from tests.conftest import write_coloured

WIDTH = 6


def write_vectored(folder: Path, each: int = 8, seed: int = 0, width: int = WIDTH) -> tuple[Path, str]:
    """The folder of images (3 classes) and the spec of their vectors. Numbers differ in size."""
    images = write_coloured(folder / "images", each, 8)
    return images, write_beside(images, folder / f"vectors-{seed}-{width}.npy", seed, width)


def write_beside(images: Path, file: Path, seed: int = 0, width: int = WIDTH) -> str:
    rng = np.random.default_rng(seed)
    items = read_source(str(images)).items
    kinds = [i.name.split("/")[0] for i in items]
    middles = {kind: rng.normal(size=width) for kind in sorted(set(kinds))}
    rows = np.stack([middles[kind] + rng.normal(0, 0.1, width) for kind in kinds]) * np.arange(1, width + 1)
    write_vectors(file, [i.name for i in items], [i.sha256 for i in items], rows.astype(np.float32))
    return f"vectors:{file}"


def stopping_after(steps: int) -> Any:
    """A watch that interrupts the training when so many steps are done."""

    @contextmanager
    def watch(stage: str, total: int) -> Iterator[Tick]:
        done = 0

        def tick(more: int) -> None:
            nonlocal done
            done += more
            if stage == "train" and more and done >= steps:
                raise KeyboardInterrupt

        yield tick

    return watch


def results(out: Path) -> dict[str, bytes]:
    """Every file that a training leaves, by path, but for the lock."""
    return {
        f.relative_to(out).as_posix(): f.read_bytes()
        for f in sorted(out.rglob("*"))
        if f.is_file() and f.name != ".lock"
    }
