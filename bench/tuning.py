"""What training on one half of the images does to the other half: `python -m bench tuning`.

Every row is of images that nothing in it was trained on; the halves are those of `ictc train --train-share 0.5`.
k-means with five seeds, K given, in the view as published (`plain`) and in that of `ictc cluster` (`evened`).
Zero-shot: the nearest of 'a photo of a X'. All on the CPU.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from ictc.embed.images import CachedImages
from ictc.embedders.opening import open_images
from ictc.interfaces import Vectors
from ictc.lane.evening import view_of
from ictc.modeloptions import ModelOptions
from ictc.models.backbones.opening import open_backbone
from ictc.progress import unwatched
from ictc.runfolder import RunFolder
from ictc.scoring.scores import score_assignments
from ictc.training import classifier, compress, lit
from ictc.training.labelled import given
from ictc.training.loop import Device
from ictc.training.pairs import TEMPLATE, filled
from ictc.training.pictures import Pictures
from ictc.training.split import TEST
from ictc.types import Item

SEEDS = 5
SETS = (("fruits", "variety"), ("fruits", "type"), ("cifar10_1k", ""))
"""Varieties are called 'cherry 2': to cluster by; of types and CIFAR-10's classes one can also know what is meant."""
SIDE = 128
"""Of the classifier: small enough for two cores."""
CPU = Device("cpu")


def main(data: Path) -> None:
    """Prints a row per set and embedder."""
    print("| data | vectors | ARI, plain | ARI, evened | zero-shot | trained in |\n|---|---|---|---|---|---|")
    for name, column in SETS:
        path = data / "images" / name
        truth = f"{path / 'labels.csv'}:{column}" if column else "filename"
        with tempfile.TemporaryDirectory(prefix="ictc-bench-") as folder:
            _set(f"{name} {column}".strip(), str(path), truth, Path(folder))


def _set(name: str, images: str, truth: str, folder: Path) -> None:
    run = folder / "run"
    source = given(images, truth, compress.RECIPE.seed, share=0.5, per_class=None)
    assert source.classes is not None
    apart, classes = source.of(TEST), dict(source.classes)
    how = f"{name}, {len(source.training)} + {len(apart)}"

    def embedder(spec: str) -> CachedImages:
        found = open_images(spec, store, ModelOptions(device="cpu"))
        assert not found.seen & {i.sha256 for i in apart}, "it was trained on an image that it is measured on"
        return found

    def row(what: str, rows: Vectors, joint: CachedImages | None = None, seconds: float | None = None) -> None:
        scores = [_ari(apart, rows, classes, space) for space in ("plain", "evened")]
        right = f"{_zero_shot(joint, apart, rows, classes):.3f}" if joint else ""
        took = "" if seconds is None else f"{seconds:.0f} s"
        print(f"| {how} | {what} | {' | '.join(scores)} | {right} | {took} |", flush=True)

    def trained(what: str, train: Callable[[Any, Path], Any], asked: Any) -> None:
        out, began = folder / what.replace("`", "").replace(" ", "-"), time.monotonic()
        train(asked, out)
        seconds = time.monotonic() - began
        made.append((what, f"trained:{out}", seconds))

    with RunFolder(run, create=True).open_store() as store:
        for spec in ("lite0", "offline"):
            found = embedder(spec)
            row(f"`{spec}`", _rows(found, apart), found if spec == "offline" else None)
            _rows(found, source.training)
    made: list[tuple[str, str, float]] = []
    basic = {"images": images, "truth": truth, "share": 0.5}
    for method in compress.KINDS:
        asked = compress.Asked(**basic, method=method, run=run)  # type: ignore[arg-type]
        trained(f"`lite0`, {method}", lambda a, o: compress.train_compress(a, o, CPU), asked)
    trained("`lite0`, lit", lambda a, o: lit.train_lit(a, o, CPU), lit.Asked(**basic, run=run))  # type: ignore[arg-type]
    tuned = classifier.Asked(**basic, side=SIDE)  # type: ignore[arg-type]
    row(f"`lite0` at {SIDE} pixels", _untuned(apart))
    trained(f"`lite0` at {SIDE} pixels, classifier", lambda a, o: classifier.train_classifier(a, o, CPU), tuned)
    with RunFolder(run).open_store() as store:
        for what, spec, seconds in made:
            found = embedder(spec)
            row(what, _rows(found, apart), found if found.joint else None, seconds)


def _rows(embedder: CachedImages, items: Sequence[Item]) -> Vectors:
    rows = [v for v in embedder.embed_images(items) if isinstance(v, np.ndarray)]
    assert len(rows) == len(items)
    return np.stack(rows)


def _untuned(items: Sequence[Item]) -> Vectors:
    """The features that the classifier's training begins with."""
    import torch

    backbone = open_backbone("lite0", SIDE)
    backbone.module.eval()
    with torch.inference_mode():
        batches = Pictures(items, SIDE, unwatched).batches(64)
        rows: Vectors = torch.cat([backbone.module(backbone.normalised(pixels)) for pixels in batches]).numpy()
    return rows


def _ari(items: Sequence[Item], rows: Vectors, classes: Mapping[str, str], space: str) -> str:
    k, seen, scores = len({classes[i.name] for i in items}), view_of(rows, space).of(rows), []
    for seed in range(SEEDS):
        with threadpool_limits(1):
            groups = KMeans(k, n_init=10, random_state=seed).fit_predict(seen)
        clusters = {item.name: str(group) for item, group in zip(items, groups, strict=True)}
        scores.append(score_assignments(clusters, classes).ari)
    return f"{np.mean(scores):.3f} ± {np.std(scores):.3f}"


def _zero_shot(embedder: CachedImages, items: Sequence[Item], rows: Vectors, classes: Mapping[str, str]) -> float:
    names = sorted({classes[i.name] for i in items})
    texts = embedder.embed_texts([filled([TEMPLATE], name)[0] for name in names])
    nearest = (rows @ texts.T).argmax(axis=1)
    return float(np.mean([names[n] == classes[i.name] for n, i in zip(nearest, items, strict=True)]))
