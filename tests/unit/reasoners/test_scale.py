"""Many images and many labels: bounded work, measured on a stand-in for the text model."""

from __future__ import annotations

import tracemalloc
import zlib
from collections.abc import Sequence

import numpy as np
import pytest

from ictc.interfaces import Tick, Vectors, no_tick
from ictc.reasoners.assign import place
from ictc.reasoners.embedding import EmbeddingReasoner
from ictc.types import Assignment, Cluster, Description, Label, Taxonomy


class WordVectors:
    """A text is the sum of a fixed random vector per word."""

    fingerprint = "words/1"

    def __init__(self) -> None:
        self._words: dict[str, Vectors] = {}

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        rows = np.zeros((len(texts), 32), dtype=np.float32)
        for i, text in enumerate(texts):
            for word in text.casefold().replace(".", "").split():
                if word not in self._words:
                    drawn = np.random.default_rng(zlib.crc32(word.encode())).standard_normal(32)
                    self._words[word] = drawn.astype(np.float32)
                rows[i] += self._words[word]
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)


@pytest.mark.parametrize("k", [10, None])
def test_as_many_labels_as_images(k: int | None) -> None:
    """An n x n matrix of 5,000 labels alone would be 100 MB in float32."""
    descriptions = [Description(f"{i}", f"The thing is w{i} near x{i % 50}.", "") for i in range(5_000)]
    reasoner = EmbeddingReasoner(WordVectors())
    labels = [x for x in reasoner.label(descriptions, "object") if isinstance(x, Label)]
    tracemalloc.start()
    taxonomy = reasoner.merge(descriptions, labels, "object", k)
    answers = reasoner.assign(descriptions, taxonomy, "object")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 90e6
    assert len(set(taxonomy.names)) == taxonomy.k
    assert all(isinstance(a, Assignment) and a.cluster in set(taxonomy.names) for a in answers)
    assert len(answers) == 5_000


class DrawnRows:
    """384 numbers a text: one of ten directions by its last digit, and noise."""

    fingerprint = "drawn/1"

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        draw = np.random.default_rng(0)
        directions = draw.standard_normal((10, 384), dtype=np.float32)
        rows = draw.standard_normal((len(texts), 384), dtype=np.float32) * np.float32(0.5)
        rows += directions[[int(t.rstrip(".")[-1]) for t in texts]]
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows


def test_placing_takes_a_few_times_the_memory_of_the_vectors() -> None:
    n = 20_000
    texts, labels = [f"text {i}" for i in range(n)], [f"label {i % 10}" for i in range(n)]
    taxonomy = Taxonomy("c", [Cluster(f"label {i}", "", {f"label {i}": n // 10}) for i in range(10)])
    tracemalloc.start()
    groups, _ = place(texts, labels, taxonomy, DrawnRows().embed_texts)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * n * 384 * 4
    assert groups.tolist() == [i % 10 for i in range(n)]
