"""A run on a sample, killed while it embeds or describes, and started again: the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.conftest import ictc, result_files, write_coloured
from tests.faults.test_kill_lane import stored


def test_killed_it_describes_the_same_sample_to_the_same_bytes(tmp_path: Path) -> None:
    source = write_coloured(tmp_path / "in", each=30, size=48)
    words = ("run", source, "-c", "dominant colour", "-k", 3, "--sample", "30", "--no-report", "-o")
    calm = ictc(*words, tmp_path / "calm")
    assert calm.returncode == 0, calm.stderr
    whole, run = stored(tmp_path / "calm"), tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, "-m", "ictc", *map(str, words), str(run)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    while process.poll() is None and not stored(run):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL, "it was done before it could be killed"
    assert 0 < stored(run) < whole
    final = ictc(*words, run)
    assert final.returncode == 0, final.stderr
    assert result_files(run / "001") == result_files(tmp_path / "calm" / "001")
    assert (run / "001" / "sample.jsonl").read_bytes() == (tmp_path / "calm" / "001" / "sample.jsonl").read_bytes()
    assert stored(run) == whole
