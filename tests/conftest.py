"""Small data that the tests make for themselves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

# Two workers share two cores: threads that wait for one another at every product take three times the processor. Tests
# of what several threads do ask for them (`THREADS`). Before numpy and torch, which read it once.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from ictc.cli.app import app

TEXTS = {
    "cat": [
        "A cat is sleeping on a sofa.",
        "The image shows a small grey cat near a window.",
        "A cat plays with a ball.",
    ],
    "truck": [
        "A truck is parked on the street.",
        "The image shows a large red truck.",
        "A truck carries wood on a road.",
    ],
    "guitar": ["A guitar leans on a wall.", "The image shows an acoustic guitar.", "A guitar lies on a wooden table."],
}
THREADS = {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"}
"""The environment of a command whose sums run over two threads, however many there are otherwise."""
COLOURS = {"red": (200, 25, 30), "green": (35, 150, 50), "blue": (30, 60, 190)}


if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a suite that was started in the background of a script: its children would inherit that Ctrl-C does nothing
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def captions(tmp_path: Path) -> Path:
    """36 descriptions of three kinds of things, named `{number}_{class}.png`."""
    file = tmp_path / "captions.jsonl"
    rows = [
        {"image": f"{i}_{kind}.png", "text": TEXTS[kind][i % 3] + ("" if i < 9 else f" It is picture number {i}.")}
        for i, kind in enumerate(kind for _ in range(12) for kind in TEXTS)
    ]
    file.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return file


def write_coloured(folder: Path, each: int = 4, size: int = 64) -> Path:
    """`each` images per colour, a disc of that colour on grey, in folders named after the colours."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[:size, :size]
    disc = (x - size / 2) ** 2 + (y - size / 2) ** 2 < (0.4 * size) ** 2
    for name, rgb in COLOURS.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(each):
            pixels = np.full((size, size, 3), 225.0)
            pixels[disc] = rgb
            pixels += rng.normal(0, 6, pixels.shape)
            Image.fromarray(pixels.clip(0, 255).astype("uint8")).save(folder / name / f"{name}-{i}.png")
    return folder


@pytest.fixture
def coloured(tmp_path: Path) -> Path:
    """12 images: a disc in red, green or blue on grey, in folders named after the colours."""
    return write_coloured(tmp_path / "coloured")


def ictc(*words: object, **env: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    command = [sys.executable, "-m", "ictc", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env}, check=False)


def invoke(*words: object, env: dict[str, str] | None = None) -> Any:
    """The command line in this process."""
    return CliRunner().invoke(app, [str(w) for w in words], env=env)


def result_files(revision: Path) -> dict[str, bytes]:
    """The bytes of a revision's result files."""
    names = ["step1_result.jsonl", "step2a_result.jsonl", "step2b_result.json", "step3_result.jsonl", "failures.jsonl"]
    return {name: (revision / name).read_bytes() for name in names}
