"""The embedding lane, killed at any moment and started again: the same bytes."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from tests.conftest import THREADS, ictc, result_files, write_coloured


def stored(run: Path) -> int:
    if not (run / "store.sqlite").exists():
        return 0
    with sqlite3.connect(run / "store.sqlite") as db:
        try:
            return int(db.execute("SELECT count(*) FROM entries").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


def test_killed_it_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    source = write_coloured(tmp_path / "in", each=40, size=64)
    prompts = tmp_path / "prompts.toml"
    prompts.write_text('classes = ["red", "green", "blue"]')
    words = ("cluster", source, "--prompts", prompts, "--no-report", "-o")
    calm = ictc(*words, tmp_path / "calm", **THREADS)
    assert calm.returncode == 0, calm.stderr
    run, kills = tmp_path / "killed", 0
    for entries in (1, 200, 700):
        process = subprocess.Popen(
            [sys.executable, "-m", "ictc", *map(str, words), str(run)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, **THREADS},
        )  # fmt: skip
        while process.poll() is None and stored(run) < entries:
            time.sleep(0.02)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            kills += 1
        process.wait(60)
    assert kills >= 2
    final = ictc(*words, run, **THREADS)
    assert final.returncode == 0, final.stderr
    assert result_files(run / "001") == result_files(tmp_path / "calm" / "001")
    assert "Nothing had to be computed" in ictc(*words, run).stderr
