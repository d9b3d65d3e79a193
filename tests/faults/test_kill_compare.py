"""A comparison, killed between cells and started again: finished cells are not computed again, and the files are those
of one that was left alone."""

from __future__ import annotations

import csv
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from tests.conftest import ictc

TIMELESS = ("compare.json", "compare.csv", "compare_cells.csv", "compare.png", "compare.svg")


def digits(folder: Path, count: int = 120) -> Path:
    known = load_digits()
    folder.mkdir()
    for i in range(count):
        picture = Image.fromarray((known.images[i] * 15.9375).astype(np.uint8)).resize((32, 32))
        picture.save(folder / f"{i}_{known.target[i]}.png")
    return folder


def cells(run: Path) -> dict[str, bytes]:
    """The finished cells in a run's store."""
    if not (run / "store.sqlite").exists():
        return {}
    with sqlite3.connect(run / "store.sqlite") as db:
        try:
            found = db.execute("SELECT key, value FROM entries WHERE key LIKE 'compare-cell/%'").fetchall()
        except sqlite3.OperationalError:
            return {}
    return dict(found)


def test_killed_between_cells_it_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    source = digits(tmp_path / "in")
    words = ("compare", source, "--truth", "filename", "-k", 10, "--clusterer", "kmeans,spectral,gmm,agglomerative")
    words = (*words, "--seeds", 6, "-o")
    calm = ictc(*words, tmp_path / "calm")
    assert calm.returncode == 0, calm.stderr
    run = tmp_path / "killed"
    finished: dict[str, bytes] = {}
    kills = 0
    for least in (1, 6, 12):
        process = subprocess.Popen(
            [sys.executable, "-m", "ictc", *map(str, words), str(run)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        while process.poll() is None and len(cells(run)) < least:
            time.sleep(0.01)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            kills += 1
        process.wait(60)
        kept = cells(run)
        assert finished.items() <= kept.items(), "a finished cell was computed again: its seconds have changed"
        finished = kept
    assert kills >= 2 and 0 < len(finished) < 19
    final = ictc(*words, run)
    assert final.returncode == 0, final.stderr
    assert finished.items() <= cells(run).items() and len(cells(run)) == 19
    for name in TIMELESS:
        assert (run / name).read_bytes() == (tmp_path / "calm" / name).read_bytes(), name
    seconds = list(csv.DictReader((run / "compare_seconds.csv").open()))
    assert len(seconds) == 19
    written = {p.name: p.read_bytes() for p in run.glob("compare*")}
    assert ictc(*words, run).returncode == 0
    assert {p.name: p.read_bytes() for p in run.glob("compare*")} == written, "seconds are those of when it was done"
