"""Few images: what the view is worth by their number, `python -m bench evening`.

k-means (K given) of random parts of six labelled sets, each part looked at in four views: `plain`, unit length alone
(no direction evened), the default of the lane (one in ten images evened), and all 64 directions evened. Accuracy, mean
and standard deviation over 20 parts; where a part is the whole set, over 20 seeds of k-means. The vectors are those of
`offline` (with task prompts too, each image fused with its nearest) and MiniLM's of recorded descriptions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest.mock import patch

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from ictc.descriptions import read_recorded
from ictc.embed.images import CachedImages
from ictc.embedders.opening import open_images
from ictc.images.sources import read_source
from ictc.interfaces import Vectors
from ictc.lane.evening import view_of
from ictc.lane.fusion import fused
from ictc.lane.pairing import paired
from ictc.modeloptions import ModelOptions
from ictc.models.minilm import MiniLM
from ictc.scoring.scores import score_assignments
from ictc.scoring.truth import read_truth
from ictc.store import Store

SIZES = (32, 64, 100, 150, 300, 500, 1000)
PARTS = 20
WAYS = {"plain": 10, "unit length": 10**9, "default": 10, "all evened": 1}
"""Images for each direction that is evened."""


def main(data: Path) -> None:
    """Prints the table."""
    print(f"| data | n | {' | '.join(WAYS)} |\n|---|---|{'---|' * len(WAYS)}")
    for name, rows, truth in _sets(data):
        for n in SIZES:
            if n <= len(rows):
                told = (f"{np.mean(a):.3f} ± {np.std(a):.3f}" for a in _accuracies(rows, truth, n))
                print(f"| {name} | {n} | {' | '.join(told)} |", flush=True)


def _accuracies(rows: Vectors, truth: Sequence[str], n: int) -> list[list[float]]:
    """For each way, those of all parts."""
    found: list[list[float]] = [[] for _ in WAYS]
    for seed in range(PARTS):
        some = np.sort(np.random.default_rng(seed).choice(len(rows), n, replace=False))
        known = {str(i): truth[i] for i in some}
        for accuracies, (way, each) in zip(found, WAYS.items(), strict=True):
            with patch("ictc.lane.evening.EACH", each):
                seen = view_of(rows[some], "plain" if way == "plain" else "evened").of(rows[some])
            with threadpool_limits(1):
                groups = KMeans(len(set(truth)), n_init=10, random_state=seed).fit_predict(seen)
            clusters = {str(i): str(g) for i, g in zip(some, groups, strict=True)}
            accuracies.append(score_assignments(clusters, known).acc)
    return found


def _sets(data: Path) -> Iterator[tuple[str, Vectors, list[str]]]:
    embedder = open_images("offline", Store(None), ModelOptions())
    for folder in ("cifar10_1k", "fruits", "mnist_500"):
        path = data / "images" / folder
        truth = f"{path / 'labels.csv'}:variety" if folder == "fruits" else "filename"
        yield from _of_images(folder, path, truth, embedder)
    model = MiniLM()
    for name, file in (("PPMI-7", "ppmi7_instrument_llava"), ("CIFAR-10", "cifar10_llava")):
        described = read_recorded(data / "captions" / f"{file}.jsonl.gz")
        known = read_truth("filename", [d.image for d in described]).classes
        some = described[:: max(1, len(described) // 1000)]
        yield f"{name} descriptions", model.embed_texts([d.text for d in some]), [known[d.image] for d in some]


def _of_images(name: str, path: Path, truth: str, embedder: CachedImages) -> Iterator[tuple[str, Vectors, list[str]]]:
    items = read_source(str(path)).items
    known = read_truth(truth, [i.name for i in items]).classes
    classes = [known[i.name] for i in items]
    rows = np.stack([v for v in embedder.embed_images(items) if isinstance(v, np.ndarray)])
    yield name, rows, classes
    if name == "cifar10_1k":
        texts = embedder.embed_texts([f"This is a {c}" for c in sorted(set(classes))])
        yield f"{name}, task prompts", fused(rows, paired(rows, texts, "best"), "mean"), classes
