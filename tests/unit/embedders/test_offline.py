"""The offline embedder's formulas, held against numpy written out, on pictures made here."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ictc.embedders.offline import Array, OfflineEmbedder, create
from ictc.interfaces import Tick, Vectors, no_tick
from ictc.models.efficientnet import EfficientNetLite0
from ictc.registry import EmbedderContext
from ictc.store import Store
from ictc.types import Item
from step1.seeing import Eyes, Seen
from step1.tags import vocabulary


class Drawn:
    """A text is a direction drawn by it. The real model takes seconds for the vocabulary."""

    fingerprint = "drawn"

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        rows = [
            np.random.default_rng(zlib.crc32(t.encode())).normal(size=32) if t.strip() else np.zeros(32) for t in texts
        ]
        return np.stack([row / max(np.linalg.norm(row), 1e-9) for row in rows]).astype(np.float32)


TEXT = Drawn()


@pytest.fixture(scope="module")
def made() -> OfflineEmbedder:
    return create("", EmbedderContext(Store(None), TEXT))


def unit(rows: Array) -> Array:
    found: Array = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return found


def axes() -> Array:
    weight = EfficientNetLite0().head().weight.astype(np.float64)
    apart = weight - weight.mean(axis=1, keepdims=True)
    found: Array = np.linalg.svd(apart, full_matrices=False)[0][:, :128]
    return found


def test_an_image_is_the_square_roots_of_its_features_along_the_axes(made: OfflineEmbedder, tmp_path: Path) -> None:
    items = []
    for colour in ("red", "green"):
        file = tmp_path / f"{colour}.png"
        Image.effect_mandelbrot((64, 64), (-2, -1, 1, 1), 9 if colour == "red" else 40).convert("RGB").save(file)
        items.append(Item(file.name, file, hashlib.sha256(file.read_bytes()).hexdigest()))
    seen = Eyes(Store(None), EfficientNetLite0()).look(items)
    features = np.stack([s.features for s in seen if isinstance(s, Seen)]).astype(np.float64)
    expected = unit(np.sqrt(features) @ axes())
    found = np.stack(list(made.embed_images(items)))  # type: ignore[arg-type]
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-5)  # an axis may point either way
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-4)


def test_a_text_is_the_classifiers_of_the_classes_that_mean_the_same(made: OfflineEmbedder) -> None:
    words = vocabulary()
    names, kinds = (TEXT.embed_texts(list(w)).astype(np.float64) for w in (words.names, words.kinds))
    share = words.belongs / np.maximum(words.belongs.sum(axis=1, keepdims=True), 1)
    classes = unit(names + share @ kinds)
    middle = classes.mean(axis=0)
    text = unit(TEXT.embed_texts(["a photograph of a tabby"]).astype(np.float64) - middle)
    near = np.exp(text @ unit(classes - middle).T / 0.1)
    weight = EfficientNetLite0().head().weight.astype(np.float64)
    expected = unit(near / near.sum() @ (weight - weight.mean(axis=1, keepdims=True)).T @ axes())
    found = made.embed_texts(["a photograph of a tabby"])
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-4)
    assert not made.embed_texts(["  "]).any()
