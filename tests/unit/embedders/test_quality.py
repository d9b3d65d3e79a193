"""What the offline embedder is worth on real photographs, in the space that the lane clusters in."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.metrics import normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix

from ictc.embed.images import CachedImages
from ictc.embedders.opening import open_images
from ictc.images.listfiles import read_list
from ictc.images.sources import read_source
from ictc.interfaces import Vectors
from ictc.lane.evening import view_of
from ictc.modeloptions import ModelOptions
from ictc.store import Store

DATA = Path(os.environ.get("ICTC_DATA", ""), "images")
pytestmark = pytest.mark.skipif(
    "ICTC_DATA" not in os.environ, reason="needs real photographs: set ICTC_DATA to the folder of them"
)


def embedded(folder: str) -> tuple[CachedImages, list[str], Vectors]:
    embedder = open_images("offline", Store(None), ModelOptions())
    items = read_source(DATA / folder).items
    return embedder, [i.name for i in items], np.stack(list(embedder.embed_images(items)))  # type: ignore[arg-type]


def clusters(rows: Vectors, k: int) -> Vectors:
    found: Vectors = KMeans(k, n_init=10, random_state=0).fit_predict(view_of(rows, "evened").of(rows))
    return found


def accuracy(truth: list[str], found: Vectors) -> float:
    table = contingency_matrix(truth, found)
    return float(table[linear_sum_assignment(-table)].sum() / len(truth))


def test_photographs_of_ten_classes() -> None:
    embedder, names, rows = embedded("cifar10_1k")
    truth = [Path(name).stem.split("_")[1] for name in names]
    classes = sorted(set(truth))
    texts = embedder.embed_texts([f"This is a {name}" for name in classes])
    nearest = (rows @ texts.T).argmax(axis=1)
    assert np.mean([classes[i] == t for i, t in zip(nearest, truth, strict=True)]) >= 0.5
    alone, fused = accuracy(truth, clusters(rows, 10)), accuracy(truth, clusters(rows + texts[nearest], 10))
    assert alone >= 0.48
    assert fused >= 0.52
    assert fused > alone


def test_varieties_of_fruit() -> None:
    _, names, rows = embedded("fruits")
    variety = {row.file: row.values["variety"] for row in read_list(DATA / "fruits" / "labels.csv")}
    assert normalized_mutual_info_score([variety[name] for name in names], clusters(rows, 18)) >= 0.85
