"""The main job as a person runs it: accuracy, CPU time and memory of `ictc run` in a process of its own, and again.

Every row uses the same code and the same defaults; only the input, the criterion and K differ.
"""

from __future__ import annotations

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Task:
    """One row: what is run, and the accuracy that was asked for."""

    name: str
    images: str
    criterion: str
    k: int
    truth: str
    wanted: float


def tasks(data: Path, scratch: Path) -> list[Task]:
    """The rows for a copy of the project's shared data."""
    captions, images = data / "captions", data / "images"
    labels = images / "fruits" / "labels.csv"
    coloured = scratch / "coloured.csv"
    with labels.open(encoding="utf-8") as source, coloured.open("w", encoding="utf-8") as target:
        rows = [r for r in csv.DictReader(source) if r["colour"]]
        target.write("image\n" + "".join(f"{(images / 'fruits' / r['image']).resolve()}\n" for r in rows))
    return [
        Task("CIFAR-10 captions", f"recorded:{captions / 'cifar10_llava.jsonl.gz'}", "object", 10, "filename", 0.905),
        Task("PPMI-7 captions", f"recorded:{captions / 'ppmi7_instrument_llava.jsonl.gz'}", "musical instrument", 7,
             "filename", 0.950),
        Task("fruits, colour", str(coloured), "colour", 4, f"{labels}:colour", 0.80),
        Task("fruits, type", str(images / "fruits"), "type of fruit", 3, f"{labels}:type", 0.60),
        Task("CIFAR-10 images", str(images / "cifar10_1k"), "object", 10, "filename", 0.50),
    ]  # fmt: skip


def measured(task: Task, run: Path) -> tuple[dict[str, Any], float, float, float]:
    """(result, CPU seconds, wall seconds, peak MiB) of one `ictc run`."""
    command = [sys.executable, "-m", "ictc", "run", task.images, "-c", task.criterion]
    command += ["-k", str(task.k), "-o", str(run), "--truth", task.truth, "--json"]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    if status:
        raise SystemExit(f"{task.name}: ictc run exited with {os.waitstatus_to_exitcode(status)}")
    peak = usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    return json.loads(out), usage.ru_utime + usage.ru_stime, wall, peak


def main(data: Path) -> None:
    """Prints the table."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print("| data | K | ACC | wanted | ARI | NMI | CPU s | wall s | peak MiB | again: CPU s | wall s | names |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="ictc-bench-") as folder:
        for number, task in enumerate(tasks(data, Path(folder))):
            run = Path(folder) / str(number)
            found, cpu, wall, peak = measured(task, run)
            repeated, cpu2, wall2, _ = measured(task, run)
            assert repeated["reused"]
            names = ", ".join(c["name"] for c in found["clusters"])
            scores = f"{found['acc']:.4f} | {task.wanted:.3f} | {found['ari']:.4f} | {found['nmi']:.4f}"
            costs = f"{cpu:.1f} | {wall:.1f} | {peak:.0f} | {cpu2:.1f} | {wall2:.1f}"
            print(f"| {task.name}, “{task.criterion}” | {task.k} | {scores} | {costs} | {names} |", flush=True)
