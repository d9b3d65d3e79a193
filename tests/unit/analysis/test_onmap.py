"""k-means on the t-SNE map comes with a warning and with what it is worth."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from ictc.analysis.onmap import on_map
from ictc.reasoners.spherical import unit


def test_digits_on_their_map() -> None:
    data = load_digits()
    rows = unit(data.data[:300].astype(np.float32))
    images = [f"{i}.png" for i in range(300)]
    truth = {image: str(t) for image, t in zip(images, data.target[:300].tolist(), strict=True)}
    found = on_map(images, rows, truth, 10, 0, truth)
    assert "mean little" in found["warning"]
    assert found["clusters"]["acc"] == 1
    assert 0.5 < found["map"]["acc"] <= 1
    assert found["ari_with_clusters"] == found["map"]["ari"]
    assert 0 < found["stability"] <= 1
    assert found["map"]["silhouette"] is not None
    assert "acc" not in on_map(images[:20], rows[:20], dict(list(truth.items())[:9]), 3, 0, {})["map"]


def test_what_cannot_be_drawn_or_has_no_clusters_is_told_in_its_place() -> None:
    images, rows = [f"{i}.png" for i in range(8)], np.eye(8, dtype=np.float32)
    alike = on_map(images, rows[[0] * 8], dict.fromkeys(images, "a"), 1, 0, {})
    assert list(alike) == ["failed"] and "nothing to draw: 8 images" in alike["failed"]
    assert "No image is in a cluster" in on_map(images, rows, {}, 0, 0, {})["failed"]
