"""`ictc classify` on images that the run never saw: `python -m bench classification`.

1,000 CIFAR-10 images, half of each class in the run and half to be classified; offline, the defaults everywhere.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.embedding_lane import prompts_for
from ictc import job
from ictc.classify.classifier import ALIGNED, NEAREST, ZERO_SHOT
from ictc.classify.fitting import Wanted
from ictc.classify.job import classify
from ictc.lane.strategies import TASK
from ictc.means import Lane, Means


def main(data: Path) -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory(prefix="ictc-bench-") as folder:
        run, (old, new), classes = Path(folder) / "run", *_halves(data / "images" / "cifar10_1k", Path(folder))
        task = Lane(prompt_set=prompts_for(classes), strategy=TASK)
        label = replace(task, pairing="label", truth="filename")
        print("| run | view | method | ACC | macro F1 | ECE |")
        print("|---|---|---|---|---|---|")
        for lane, methods in (
            (Lane(), (NEAREST,)),
            (task, (ZERO_SHOT, NEAREST, ALIGNED)),
            (replace(task, space="plain"), (ALIGNED,)),
            (label, (ALIGNED,)),
            (replace(label, space="plain"), (ALIGNED,)),
        ):
            job.run(job.Asked(str(old), "what it shows", 10, Means(lane=lane)), run)
            for method in methods:
                wanted = Wanted(method, train_truth="filename" if method == ALIGNED else None)
                found = classify(run, str(new), wanted, truth="filename").scores
                assert found is not None
                told = " | ".join(f"{found[key]:.4f}" for key in ("acc", "macro_f1", "ece"))
                made = f"{lane.strategy}{'' if lane.prompt_set is None else f', {lane.pairing}'}"
                print(f"| {made} | {lane.space} | {method} | {told} |", flush=True)


def _halves(images: Path, folder: Path) -> tuple[list[Path], tuple[str, ...]]:
    """Two lists of images, each with half of every class, and the classes."""
    members: dict[str, list[Path]] = defaultdict(list)
    for file in sorted(images.glob("*_*.*")):
        members[file.stem.partition("_")[2]].append(file)
    draw = np.random.default_rng(0)
    orders = {name: draw.permutation(len(members[name])) for name in sorted(members)}
    lists = []
    for half in range(2):
        chosen = [members[name][i] for name, order in orders.items() for i in order[half::2]]
        lists.append(folder / f"{half}.txt")
        lists[-1].write_text("".join(f"{file}\n" for file in sorted(chosen)))
    return lists, tuple(orders)
