"""Two processes with half of each batch do what one does with the whole: negatives, batch normalisation, gradients."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ictc.models.backbones.small import small
from ictc.progress import unwatched
from ictc.training.augment import View, drawn
from ictc.training.byol import byol
from ictc.training.folder import TrainingFolder
from ictc.training.loop import Device, fit
from ictc.training.recipe import Recipe
from ictc.training.simclr import simclr

KINDS = ("simclr", "byol")
IMAGES, BATCH, SIDE = 15, 8, 8
"""The last batch of an epoch has 7, of which two processes take 3 each, and one takes 6 to compare."""


def trained(kind: str, out: Path, batch_size: int) -> dict[str, Any]:
    """Losses and the encoder's averages of a training whose views depend on the image alone."""
    draw, view = np.random.default_rng(0), View(0.5, 0.5, 0.0)
    pixels = torch.from_numpy(draw.integers(0, 256, (IMAGES, 3, SIDE, SIDE), dtype=np.uint8))
    views = [torch.from_numpy(drawn(IMAGES, SIDE, view, draw)) for _ in range(2)]
    torch.manual_seed(0)
    backbone = small("2", SIDE)
    network: Any = simclr(backbone, 0.5) if kind == "simclr" else byol(backbone, 0.9)

    def batch(numbers: Any, _draw: np.random.Generator) -> tuple[torch.Tensor, ...]:
        some = torch.from_numpy(numbers if batch_size < BATCH else numbers[: len(numbers) // 2 * 2])
        return pixels[some], views[0][some], views[1][some]

    folder = TrainingFolder(out, "test", {})
    with folder.open():
        losses = fit(network, batch, IMAGES, Recipe(2, batch_size, 0.01), folder, Device("cpu"), unwatched, least=2)
    averages = {name: one for name, one in network.encoder.state_dict().items() if "running_" in name}
    return {"losses": losses, "averages": averages}


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {**os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.unit.training.test_together", str(folder)],
            env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    said = [one.communicate(timeout=120)[0] for one in started]
    assert [one.returncode for one in started] == [0, 0], said
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_are_one(two: Path, tmp_path: Path, kind: str) -> None:
    found, alone = torch.load(two / f"{kind}.pt"), trained(kind, tmp_path / "out", BATCH)
    assert len(found["losses"]) == len(alone["losses"]) == 4
    np.testing.assert_allclose([x for *_, x in found["losses"]], [x for *_, x in alone["losses"]], rtol=1e-4)
    for name, one in alone["averages"].items():
        torch.testing.assert_close(found["averages"][name], one, rtol=1e-3, atol=1e-3)


if __name__ == "__main__":
    for what in KINDS:
        done = trained(what, Path(sys.argv[1]) / what, BATCH // 2)
        if os.environ["RANK"] == "0":
            torch.save(done, Path(sys.argv[1]) / f"{what}.pt")
