"""What the offline embedder makes of texts and images, against its own definition, with a quick text embedder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.special import softmax

from ictc.embedders.offline import OfflineEmbedder
from ictc.interfaces import Tick, Vectors, no_tick
from ictc.models.efficientnet import EfficientNetLite0
from ictc.store import Store
from ictc.types import Item
from step1.seeing import Eyes, Seen
from step1.tags import vocabulary


class Hashed:
    """Implements `Embedder`: a direction of its own for every text."""

    fingerprint = "hashed/1"

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        return np.stack([_direction(text) for text in texts])


def _direction(text: str) -> Vectors:
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    row = np.random.default_rng(seed).normal(size=384).astype(np.float32)
    return row / np.linalg.norm(row)


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_a_text_is_the_mean_of_the_classifiers_of_classes_that_mean_nearly_the_same() -> None:
    eyes, texts = Eyes(Store(None), EfficientNetLite0()), ["This is a cat", "a red car", "something"]
    found = OfflineEmbedder(eyes, Hashed()).embed_texts(texts)
    words, embed = vocabulary(), Hashed().embed_texts
    belongs = np.asarray(words.belongs, dtype=float)
    kinds = belongs @ embed(words.kinds) / np.maximum(belongs.sum(1, keepdims=True), 1)
    meant = unit(embed(words.names) + kinds)
    likeness = unit(embed(texts) - meant.mean(0)) @ unit(meant - meant.mean(0)).T
    head = eyes.head().weight.astype(float)
    head -= head.mean(1, keepdims=True)
    of_classes = softmax(likeness / 0.1, axis=1) @ head.T
    broadest = np.linalg.svd(head)[0][:, :128]
    turned = unit(of_classes @ broadest)
    np.testing.assert_allclose(found @ found.T, turned @ turned.T, atol=1e-4)
    shared = np.abs(np.einsum("ij,ij->i", np.abs(found), np.abs(turned)))
    np.testing.assert_allclose(shared, 1, atol=1e-4, err_msg="the same directions, whatever their signs")


def test_an_image_is_the_square_roots_of_its_features_along_the_same_directions(tmp_path: Path) -> None:
    items = []
    for quality in (9, 40):
        file = tmp_path / f"{quality}.png"
        Image.effect_mandelbrot((64, 64), (-2, -1, 1, 1), quality).convert("RGB").save(file)
        items.append(Item(file.name, file, hashlib.sha256(file.read_bytes()).hexdigest()))
    eyes = Eyes(Store(None), EfficientNetLite0())
    found = np.stack(list(OfflineEmbedder(eyes, Hashed()).embed_images(items)))  # type: ignore[arg-type]
    features = np.stack([s.features for s in eyes.look(items) if isinstance(s, Seen)]).astype(float)
    head = eyes.head().weight.astype(float)
    expected = unit(np.sqrt(features) @ np.linalg.svd(head - head.mean(1, keepdims=True))[0][:, :128])
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-5)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-4)  # a direction may point either way
