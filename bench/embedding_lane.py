"""The embedding lane, offline, the same defaults in every row: `python -m bench embedding_lane`.

Strategies on 1,000 CIFAR-10 images; images alone on fruits, MNIST and scikit-learn's digits. Then whether
prompts of groups lift the agreement with the groups (as many clusters as groups) and lower that with the classes (as
many as classes): on those images, and on PPMI's 700 descriptions as MiniLM embeds them.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ictc import job, outputs
from ictc.lane.strategies import CRITERION, GENERIC, GROUPED, HIERARCHICAL, IMAGE_ONLY, SWAPPED, TASK
from ictc.means import Lane, Means
from ictc.promptset import PromptSet

_STRATEGIES = (IMAGE_ONLY, GENERIC, TASK, GROUPED, SWAPPED, HIERARCHICAL, CRITERION)
_ANIMALS = ("bird", "cat", "deer", "dog", "frog", "horse")
_VEHICLES = ("airplane", "automobile", "ship", "truck")
_WIND = ("flute", "saxophone", "trumpet")
_STRINGS = ("cello", "guitar", "harp", "violin")


def main(data: Path) -> None:
    """Prints the table."""
    print("| data | K | strategy | ACC | ARI | NMI | nearest prompt is right |")
    print("|---|---|---|---|---|---|---|")
    images = data / "images"
    with tempfile.TemporaryDirectory(prefix="ictc-bench-") as folder:
        run = Path(folder) / "run"
        groups = dict.fromkeys(_ANIMALS, "animal") | dict.fromkeys(_VEHICLES, "vehicle")
        named = Lane(prompt_set=prompts_for(tuple(sorted(groups)), groups))
        for strategy in _STRATEGIES:
            _row("cifar10_1k", images / "cifar10_1k", 10, "filename", replace(named, strategy=strategy), run)
        fruits = f"{images / 'fruits' / 'labels.csv'}:variety"
        _row("fruits, variety", images / "fruits", 18, fruits, Lane(), run)
        _row("mnist_500", images / "mnist_500", 10, "filename", Lane(), run)
        _row("digits", _digits(Path(folder) / "digits"), 10, "filename", Lane(), run)
        print("\n| data | clusters | strategy | truth | ACC | ARI | NMI |\n|---|---|---|---|---|---|---|")
        _groups("cifar10_1k", str(images / "cifar10_1k"), Lane(), groups, Path(folder) / "groups")
        kinds = dict.fromkeys(_WIND, "wind instrument") | dict.fromkeys(_STRINGS, "string instrument")
        descriptions = f"recorded:{data / 'captions' / 'ppmi7_instrument_llava.jsonl.gz'}"
        _groups("PPMI-7 descriptions", descriptions, Lane(embedder="sbert:"), kinds, Path(folder) / "ppmi")


def _groups(name: str, images: str, lane: Lane, groups: Mapping[str, str], run: Path) -> None:
    """Images alone against prompts of groups: by the groups with as many clusters, and by the classes likewise."""
    _, source = job.resolve(job.Asked(images, "what it shows", None, Means(lane=lane)))
    truth = run.with_suffix(".csv")
    with truth.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "group", "class"])
        for item in source.items:
            known = item.name.rpartition(".")[0].replace("_", " ").split()[-1].lower()
            rows.writerow([item.name, groups[known], known])
    prompts = prompts_for(tuple(sorted(groups)), dict(groups))
    for k, column in ((len(set(groups.values())), "group"), (len(groups), "class")):
        for strategy in (IMAGE_ONLY, GROUPED):
            asked = Means(lane=replace(lane, prompt_set=prompts, strategy=strategy))
            s = outputs.score(job.run(job.Asked(images, "what it shows", k, asked), run), f"{truth}:{column}")
            print(
                f"| {name} | {k} | {strategy} | {column} | {s['acc']:.4f} | {s['ari']:.4f} | {s['nmi']:.4f} |",
                flush=True,
            )


def _row(name: str, images: Path, k: int, truth: str, lane: Lane, run: Path) -> None:
    done = job.run(job.Asked(str(images), "what it shows", k, Means(lane=lane)), run)
    s = outputs.score(done, truth)
    right = f"{s['prompt_acc']:.4f}" if "prompt_acc" in s else ""
    print(
        f"| {name} | {k} | {lane.strategy} | {s['acc']:.4f} | {s['ari']:.4f} | {s['nmi']:.4f} | {right} |", flush=True
    )


def prompts_for(classes: tuple[str, ...], groups: dict[str, str] | None = None) -> PromptSet:
    """As a prompts file with no wording of its own has them."""
    prompts = {TASK: tuple(f"This is a {c}" for c in classes), GENERIC: ("This is an image",) * len(classes)}
    if groups:
        prompts[GROUPED] = tuple(f"This is a {groups[c]}" for c in classes)
        prompts[HIERARCHICAL] = tuple(f"This is a {c} {groups[c]}" for c in classes)
    return PromptSet(classes, prompts, groups or {})


def _digits(folder: Path) -> Path:
    """scikit-learn's 1,797 digits, 8 x 8 grey levels of 0 to 16, enlarged to 64 x 64."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    folder.mkdir()
    found = load_digits()
    for i, (pixels, digit) in enumerate(zip(found.images, found.target, strict=True)):
        grey = Image.fromarray((255 - pixels * 255 / 16).astype(np.uint8))
        grey.resize((64, 64), Image.Resampling.BICUBIC).save(folder / f"{i}_{digit}.png")
    return folder
