"""Encoders learned without labels: trained on one half of the images, measured on the other.

`python -m bench selfsupervised`: the network `small:8` of random weights (its batch normalisation settled on the first
half, as that of the trained ones is), SimCLR and BYOL, the map of both into `offline`, and for reference `lite0` and
`offline`, which were trained on ImageNet's labels. k-means with five clustering seeds, K given, in the view as
published (`plain`) and in that of `ictc cluster` (`evened`); one training seed.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from ictc.embedders.opening import open_images
from ictc.interfaces import Vectors
from ictc.lane.evening import view_of
from ictc.modeloptions import ModelOptions
from ictc.models.backbones.opening import open_backbone
from ictc.progress import unwatched
from ictc.scoring.scores import score_assignments
from ictc.store import Store
from ictc.training.byol import train_byol
from ictc.training.labelled import given
from ictc.training.loop import Device
from ictc.training.mapping import Asked as Map
from ictc.training.mapping import train_map
from ictc.training.pictures import Pictures
from ictc.training.selfsupervised import RECIPE, Asked
from ictc.training.settling import settle
from ictc.training.simclr import train_simclr
from ictc.training.split import TEST
from ictc.types import Item

SEEDS = 5
SPACES = ("plain", "evened")
SETS = (("fruits", "variety"), ("cifar10_1k", ""))
BASE, EPOCHS = "small:8", 40
"""Of eight channels, and fewer epochs than by default: minutes on two cores."""
UPDATES = 1000
"""Steps that BYOL has at least: 40 epochs of a few hundred images are a few hundred, in which its slower copy, which is
all that it learns from, has hardly left what it was at random. Looked at on a part of the first half alone."""
CPU = Device("cpu")


def main(data: Path) -> None:
    """Prints a row per set and embedder."""
    heads = [f"{measure}, {space}" for space in SPACES for measure in ("ARI", "NMI", "ACC")]
    print(f"| data | vectors | {' | '.join(heads)} | trained in |\n|---|---|{'---|' * len(heads)}---|")
    for name, column in SETS:
        path = data / "images" / name
        truth = f"{path / 'labels.csv'}:{column}" if column else "filename"
        with tempfile.TemporaryDirectory(prefix="ictc-bench-") as folder:
            _set(name, str(path), truth, Path(folder))


def _set(name: str, images: str, truth: str, folder: Path) -> None:
    source = given(images, truth, RECIPE.seed, share=0.5, per_class=None)
    assert source.classes is not None
    apart, classes = source.of(TEST), dict(source.classes)
    how = f"{name}, {len(source.training)} + {len(apart)}"

    def row(what: str, rows: Vectors, seconds: str = "") -> None:
        told = " | ".join(_scores(apart, rows, classes, space) for space in SPACES)
        print(f"| {how} | {what} | {told} | {seconds} |", flush=True)

    def embedded(spec: str) -> Vectors:
        found = open_images(spec, Store(None), ModelOptions(device="cpu"))
        assert not found.seen & {i.sha256 for i in apart}, "it was trained on an image that it is measured on"
        rows = [v for v in found.embed_images(apart) if isinstance(v, np.ndarray)]
        assert len(rows) == len(apart)
        return np.stack(rows)

    row("random weights", _random(source.training, apart))
    enough = max(EPOCHS, math.ceil(UPDATES / math.ceil(len(source.training) / RECIPE.batch_size)))
    for kind, train, epochs in (("simclr", train_simclr, EPOCHS), ("byol", train_byol, enough)):
        asked = Asked(images, truth, BASE, replace(RECIPE, epochs=epochs), share=0.5)
        began = time.monotonic()
        train(asked, folder / kind, CPU)  # type: ignore[operator]
        row(kind, embedded(f"trained:{folder / kind}"), f"{time.monotonic() - began:.0f} s")
    both = [f"trained:{folder / kind}" for kind in ("simclr", "byol")]
    for weight in (1.0, 0.5):
        out = folder / f"map-{weight}"
        train_map(Map(images, both, weight=weight, truth=truth, share=0.5), out, "cpu")
        row(f"map of both into `offline`, weight {weight:g}", embedded(f"trained:{out}"))
    for spec in ("offline", "lite0"):
        row(f"`{spec}`", embedded(spec))


def _random(training: Sequence[Item], apart: Sequence[Item]) -> Vectors:
    """The features that the trainings begin with."""
    import torch

    torch.manual_seed(RECIPE.seed)
    backbone = open_backbone(BASE)
    settle(backbone.module, map(backbone.normalised, Pictures(training, backbone.side, unwatched).batches(64)))
    with torch.inference_mode():
        batches = Pictures(apart, backbone.side, unwatched).batches(64)
        rows: Vectors = torch.cat([backbone.module(backbone.normalised(pixels)) for pixels in batches]).numpy()
    return rows


def _scores(items: Sequence[Item], rows: Vectors, classes: Mapping[str, str], space: str) -> str:
    k, seen, scores = len({classes[i.name] for i in items}), view_of(rows, space).of(rows), []
    for seed in range(SEEDS):
        with threadpool_limits(1):
            groups = KMeans(k, n_init=10, random_state=seed).fit_predict(seen)
        one = score_assignments({i.name: str(g) for i, g in zip(items, groups, strict=True)}, classes)
        scores.append((one.ari, one.nmi, one.acc))
    means, deviations = np.mean(scores, axis=0), np.std(scores, axis=0)
    return " | ".join(f"{mean:.3f} ± {sd:.3f}" for mean, sd in zip(means, deviations, strict=True))
