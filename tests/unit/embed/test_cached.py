"""The store in front of an embedder: nothing twice, and a killed run ends with the same bits."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ictc.embed import cached
from ictc.embed.cached import CachedEmbedder
from ictc.interfaces import Tick, Vectors, no_tick
from ictc.store import Store


class BatchDependent:
    """As real models do, gives a text other last bits in another batch; can be stopped after some calls."""

    fingerprint = "fake/1"

    def __init__(self, stop_after: int = 10**9) -> None:
        self.calls: list[list[str]] = []
        self.stop_after = stop_after

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        if len(self.calls) >= self.stop_after:
            raise KeyboardInterrupt
        self.calls.append(list(texts))
        batch = zlib.crc32("|".join(texts).encode()) / 2**32 * 1e-6
        rows = np.asarray([[len(t) + batch, zlib.crc32(t.encode()) % 97] for t in texts], dtype=np.float32)
        return rows.reshape(len(texts), 2)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "CHUNK", 3)


TEXTS = ["bb", "a", "dddd", "ccc", "a", "eeeee", "fff", "gg", ""]


def test_each_text_is_embedded_once_and_rows_keep_their_order() -> None:
    model = BatchDependent()
    embedder = CachedEmbedder(model, Store(None))
    first = embedder.embed_texts(TEXTS)
    assert sorted(t for call in model.calls for t in call) == sorted(set(TEXTS))
    assert [round(float(x)) for x in first[:, 0]] == [len(t) for t in TEXTS]
    calls = len(model.calls)
    np.testing.assert_array_equal(embedder.embed_texts(TEXTS[::-1]), first[::-1])
    assert len(model.calls) == calls


@pytest.mark.parametrize("stop_after", [0, 1, 2])
def test_a_killed_run_started_again_gives_the_same_bits(tmp_path: Path, stop_after: int) -> None:
    undisturbed = CachedEmbedder(BatchDependent(), Store(None)).embed_texts(TEXTS)
    with Store(tmp_path / "s") as store, pytest.raises(KeyboardInterrupt):
        CachedEmbedder(BatchDependent(stop_after), store).embed_texts(TEXTS)
    again = BatchDependent()
    with Store(tmp_path / "s") as store:
        resumed = CachedEmbedder(again, store).embed_texts(TEXTS)
    np.testing.assert_array_equal(resumed, undisturbed)
    assert len(again.calls) == 3 - stop_after


def test_another_model_gets_vectors_of_its_own() -> None:
    store = Store(None)
    CachedEmbedder(BatchDependent(), store).embed_texts(TEXTS)
    other = BatchDependent()
    other.fingerprint = "fake/2"
    CachedEmbedder(other, store).embed_texts(TEXTS)
    assert other.calls


def test_progress_counts_every_text_once() -> None:
    store = Store(None)
    for _ in range(2):
        done: list[int] = []
        CachedEmbedder(BatchDependent(), store).embed_texts(TEXTS, done.append)
        assert sum(done) == len(TEXTS)
