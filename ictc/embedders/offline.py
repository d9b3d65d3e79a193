"""The embedded joint space: EfficientNet-Lite0's features, and classifiers made of words. No key, no download, no GPU.

An image is its features, square roots taken (a few large ones would decide every likeness: Perronnin et al., ECCV
2010), along the directions in which the network's last layer differs most between its 1,000 classes; what moves all
classes alike is left out. A text is what that last layer would have for it: the classifiers of the ImageNet classes
whose names mean nearly the same by MiniLM, averaged with softmax weights (Changpinyo et al., "Synthesized classifiers
for zero-shot learning", CVPR 2016). Their cosine says how strongly the image excites the text's classes.

The convex combination of class *names* (ConSE; Norouzi et al., ICLR 2014) goes the other way: it puts images among
words, and of what the features tell apart only what ImageNet has names for is left. Groups of such vectors were worse
throughout (k-means on 1,000 CIFAR-10 images .33 against .48; fruits NMI .57 against .82), and so was naming (.38
against .54).

What a class means is its name's vector plus the mean of its WordNet kinds'. That, the temperature and softmax rather
than ridge regression were chosen without any images: on ImageNet's classes alone, each one's classifier predicted from
its name by the other 999 (mean cosine .22; names alone .21, ridge regression .22 and fewer classes among the first
ten found).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ictc.errors import SpecError
from ictc.interfaces import Embedder, Tick, Vectors, no_tick
from ictc.models.efficientnet import EfficientNetLite0
from ictc.registry import EmbedderContext
from ictc.types import Failure, Item
from step1.seeing import Eyes, Seen
from step1.tags import vocabulary, vocabulary_digest

NAME = "offline"
DIM = 128
"""Directions kept: the next ones carry an eighth of the first one's energy, and less."""
TEMPERATURE = 0.1
_VERSION = 1
"""Raised whenever the same image or text could give another vector."""

Array = NDArray[np.float64]


def create(argument: str, context: EmbedderContext) -> OfflineEmbedder:
    """The entry point `offline`; it takes no argument."""
    if argument:
        raise SpecError(f"The embedder '{NAME}' takes no argument, but '{argument}' was given.", f"Write: {NAME}")
    return OfflineEmbedder(Eyes(context.store, EfficientNetLite0(), context.engine), context.text)


class OfflineEmbedder:
    """Implements `JointEmbedder` and `Foreseeing`, in 128 dimensions. What the network saw is in the store, shared with
    step 1."""

    def __init__(self, eyes: Eyes, text: Embedder) -> None:
        self._eyes = eyes
        self._text = text

    @property
    def fingerprint(self) -> str:
        return f"{NAME}/{_VERSION},{vocabulary_digest()},{self._eyes.fingerprint},{self._text.fingerprint}"

    def foresee(self, items: Sequence[Item]) -> None:
        self._eyes.foresee(items)

    def embed_images(self, items: Sequence[Item], tick: Tick = no_tick) -> list[Vectors | Failure]:
        looked = self._eyes.look(items, tick)
        features = [s.features for s in looked if isinstance(s, Seen)]
        rows = iter(_unit(np.sqrt(np.stack(features, dtype=np.float64)) @ self._axes) if features else ())
        return [s if isinstance(s, Failure) else next(rows) for s in looked]

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        meant = self._text.embed_texts(texts, tick).astype(np.float64)
        names, middle = self._meanings
        near = _scaled(meant - middle) @ names.T / TEMPERATURE
        weights = np.exp(near - near.max(axis=1, keepdims=True))
        classifiers = weights / weights.sum(axis=1, keepdims=True) @ self._classifiers.T
        return _unit(np.where(meant.any(axis=1, keepdims=True), classifiers @ self._axes, 0))

    @cached_property
    def _classifiers(self) -> Array:
        """[1280, classes]: the last layer's weights, less what all classes have in common."""
        weight = self._eyes.head().weight.astype(np.float64)
        out: Array = weight - weight.mean(axis=1, keepdims=True)
        return out

    @cached_property
    def _axes(self) -> Array:
        """[1280, DIM]: the directions in which classifiers differ most, the first one first, signs fixed."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):  # else the last bits depend on the number of threads
            _, axes = np.linalg.eigh(self._classifiers @ self._classifiers.T)
        axes = axes[:, : -DIM - 1 : -1]
        out: Array = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(DIM)])
        return out

    @cached_property
    def _meanings(self) -> tuple[Array, Array]:
        """Unit rows [classes, d] of what the classes mean, and the mean that was taken off them."""
        words = vocabulary()
        vectors = self._text.embed_texts([*words.names, *words.kinds]).astype(np.float64)
        names, kinds = vectors[: len(words.names)], vectors[len(words.names) :]
        belongs = words.belongs.astype(np.float64)
        both = _scaled(names + belongs @ kinds / np.maximum(belongs.sum(axis=1, keepdims=True), 1))
        middle = both.mean(axis=0)
        return _scaled(both - middle), middle


def _scaled(rows: Array) -> Array:
    """Rows of unit length; a row of zeros stays zeros."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    out: Array = np.divide(rows, length, out=np.zeros_like(rows), where=length > 1e-12)
    return out


def _unit(rows: Array) -> Vectors:
    return _scaled(rows).astype(np.float32)
