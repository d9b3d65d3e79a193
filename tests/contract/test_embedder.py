"""What every `Embedder` keeps."""

from __future__ import annotations

import numpy as np
import pytest

from ictc.embed.cached import CachedEmbedder
from ictc.interfaces import Embedder
from ictc.models.minilm import MiniLM
from ictc.store import Store

TEXTS = ["a violin on a chair", "a dog", "", "a truck \ud800", "a dog", " \n", "犬"]


@pytest.fixture(params=["plain", "cached"])
def embedder(request: pytest.FixtureRequest, minilm: MiniLM) -> Embedder:
    return minilm if request.param == "plain" else CachedEmbedder(minilm, Store(None))


def test_unit_rows_in_order(embedder: Embedder) -> None:
    rows = embedder.embed_texts(TEXTS)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 1, 0, 1, 1, 0, 1], atol=1e-5)
    np.testing.assert_array_equal(rows[1], rows[4])
    for text, row in zip(TEXTS, rows, strict=True):
        np.testing.assert_allclose(embedder.embed_texts([text])[0], row, atol=1e-5)
    np.testing.assert_allclose(embedder.embed_texts(TEXTS[::-1])[::-1], rows, atol=1e-5)


def test_the_same_call_gives_the_same_bits(embedder: Embedder) -> None:
    np.testing.assert_array_equal(embedder.embed_texts(TEXTS), embedder.embed_texts(TEXTS))


def test_no_texts_are_no_rows_of_the_same_width(embedder: Embedder) -> None:
    assert embedder.embed_texts([]).shape == (0, embedder.embed_texts(["a"]).shape[1])


@pytest.mark.parametrize("texts", [TEXTS, [], ["a", "a"], [""]])
def test_progress_counts_every_text_once(embedder: Embedder, texts: list[str]) -> None:
    for _ in range(2):
        done: list[int] = []
        embedder.embed_texts(texts, done.append)
        assert sum(done) == len(texts)


def test_the_fingerprint_does_not_change_by_use(embedder: Embedder) -> None:
    before = embedder.fingerprint
    embedder.embed_texts(TEXTS)
    assert isinstance(before, str)
    assert embedder.fingerprint == before != ""
