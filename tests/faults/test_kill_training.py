"""A training that is killed outright, and one that two processes share: the same numbers in the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.conftest import ictc
from tests.tiny.encoders import dinov2
from tests.training import write_digits

WORDS = (
    "--truth",
    "folder",
    "--base",
    "small:8",
    "--side",
    "16",
    "--epochs",
    "60",
    "--batch-size",
    "8",
    "--device",
    "cpu",
)


def test_killed_in_the_midst_it_ends_with_the_same_bytes(tmp_path: Path) -> None:
    digits = write_digits(tmp_path / "in")
    calm = ictc("train", "classifier", digits, *WORDS, "-o", tmp_path / "calm")
    assert calm.returncode == 0, calm.stderr
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "ictc", "train", "classifier", str(digits), *WORDS, "-o", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    while process.poll() is None and not (out / "checkpoint" / "state.pt").exists():
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was done before it could be killed"
    assert not (out / "trained.json").exists()
    refused = ictc("embed", digits, "--embedder", f"trained:{out}", "--out", tmp_path / "v.npy")
    assert refused.returncode == 2 and "not finished" in refused.stderr
    again = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    for name in ("model.safetensors", "loss.csv", "loss.png", "seen.txt", "split.csv", "trained.json"):
        assert (out / name).read_bytes() == (tmp_path / "calm" / name).read_bytes(), name
    assert json.loads(again.stdout)["facts"]["accuracy"] > 0.8


def test_two_processes_train_one_network_and_begin_anew(tmp_path: Path) -> None:
    """As `torchrun` and `accelerate launch` start them, one for each GPU; here on the CPU."""
    digits = write_digits(tmp_path / "in")
    few = ("--epochs", "8", "--batch-size", "4", "--lr", "0.003", "-o", tmp_path / "two")

    def launched(*more: object) -> dict[str, Any]:
        launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "ictc"]
        done = subprocess.run(
            [sys.executable, *launch, "train", "classifier", *map(str, (digits, *WORDS, *few, *more))],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("accuracy") == 1, "one of them speaks"
        return dict(json.loads((tmp_path / "two" / "trained.json").read_text()))

    assert launched()["facts"]["accuracy"] > 0.8
    assert len((tmp_path / "two" / "loss.csv").read_text().splitlines()) == 1 + 8 * 3, "24 images, 4 a process a step"
    dinov2(tmp_path / "dinov2")  # some of its weights bear on no loss
    anew = launched("--restart", "--base", f"dinov2:{tmp_path / 'dinov2'}", "--side", "28", "--epochs", "2")
    assert anew["recipe"]["base"].startswith("dinov2") and anew["facts"]["accuracy"] is not None
