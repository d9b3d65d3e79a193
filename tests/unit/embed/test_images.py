"""Stored vectors of images: nothing twice, the same bits after a kill, failures tried again without shifting others."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ictc.embed import images
from ictc.embed.images import CachedImages
from ictc.errors import UsageError
from ictc.interfaces import Tick, Vectors, no_tick
from ictc.store import Store
from ictc.types import Failure, Item


class BatchDependent:
    """As real models do, gives an image other last bits in another batch; can be stopped, and can fail."""

    fingerprint = "fake/1"

    def __init__(self, stop_after: int = 10**9, failing: Sequence[str] = ()) -> None:
        self.calls: list[list[str]] = []
        self.stop_after = stop_after
        self.failing = failing

    def embed_images(self, items: Sequence[Item], tick: Tick = no_tick) -> list[Vectors | Failure]:
        if len(self.calls) >= self.stop_after:
            raise KeyboardInterrupt
        self.calls.append([i.name for i in items])
        tick(len(items))
        able = [i for i in items if i.name not in self.failing and i.sha256]
        batch = zlib.crc32("|".join(i.sha256 for i in able).encode()) / 2**32 * 1e-6
        return [
            np.asarray([len(i.name) + batch, zlib.crc32(i.sha256.encode()) % 97], dtype=np.float32)
            if i in able
            else Failure(i.name, "image", "truncated", "cut off")
            for i in items
        ]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "CHUNK", 3)


ITEMS = [Item(f"{n}.png", None, f"hash{n}") for n in range(8)] + [Item("again.png", None, "hash1")]


def test_each_image_is_embedded_once_and_rows_keep_their_order() -> None:
    model = BatchDependent()
    cached = CachedImages(model, Store(None))
    first = np.stack(cached.embed_images(ITEMS))
    assert [name for call in model.calls for name in call] == [i.name for i in ITEMS[:8]]
    calls = len(model.calls)
    np.testing.assert_array_equal(np.stack(cached.embed_images(ITEMS[::-1])), first[::-1])
    assert len(model.calls) == calls
    recalled = cached.recall([i.sha256 for i in ITEMS])
    assert recalled is not None
    np.testing.assert_array_equal(recalled, first)
    assert cached.recall(["hash1", "unknown"]) is None


def test_chunks_are_cut_from_all_images_and_not_from_those_that_are_missing() -> None:
    model, store = BatchDependent(failing=["1.png"]), Store(None)
    CachedImages(model, store).embed_images(ITEMS)
    assert model.calls == [[f"{i}.png" for i in part] for part in ((0, 1, 2), (3, 4, 5), (6, 7))]
    later = [Item(f"{n}.png", None, f"hash{n}") for n in (20, 0, 1, 2, 21, 3, 4, 22, 23)]
    model.calls.clear()
    CachedImages(model, store).embed_images(later)
    assert model.calls == [["20.png", "1.png"], ["21.png"], ["22.png", "23.png"]]


@pytest.mark.parametrize("stop_after", [0, 1, 2])
@pytest.mark.parametrize("failing", [(), ("1.png",)])
def test_a_killed_run_started_again_gives_the_same_bits(
    tmp_path: Path, stop_after: int, failing: tuple[str, ...]
) -> None:
    def vectors(found: Sequence[Vectors | Failure]) -> Vectors:
        return np.stack([f for f in found if not isinstance(f, Failure)])

    undisturbed = vectors(CachedImages(BatchDependent(failing=failing), Store(None)).embed_images(ITEMS))
    with Store(tmp_path / "s") as store, pytest.raises(KeyboardInterrupt):
        CachedImages(BatchDependent(stop_after, failing), store).embed_images(ITEMS)
    again = BatchDependent(failing=failing)
    with Store(tmp_path / "s") as store:
        resumed = vectors(CachedImages(again, store).embed_images(ITEMS))
    np.testing.assert_array_equal(resumed, undisturbed)
    assert sum(len(call) for call in again.calls) == 8 - 3 * stop_after + (len(failing) if stop_after else 0)


def test_a_failure_is_named_after_the_image_in_whose_place_it_stands_and_tried_again() -> None:
    store = Store(None)
    found = CachedImages(BatchDependent(failing=["1.png"]), store).embed_images(ITEMS)
    assert [f.image for f in found if isinstance(f, Failure)] == ["1.png", "again.png"]
    mended = BatchDependent()
    assert not [f for f in CachedImages(mended, store).embed_images(ITEMS) if isinstance(f, Failure)]
    assert mended.calls == [["1.png"]]


def test_an_image_without_a_hash_is_embedded_and_not_stored() -> None:
    model = BatchDependent()
    cached = CachedImages(model, Store(None))
    nameless = [Item("a.png"), Item("b.png")]
    for _ in range(2):
        assert [f.image for f in cached.embed_images(nameless) if isinstance(f, Failure)] == ["a.png", "b.png"]


def test_recompute_embeds_what_is_stored_anew_but_once() -> None:
    store, model = Store(None), BatchDependent()
    CachedImages(BatchDependent(), store).embed_images(ITEMS)
    cached = CachedImages(model, store, recompute=True)
    cached.embed_images(ITEMS)
    assert sum(map(len, model.calls)) == 8
    cached.embed_images(ITEMS)
    assert sum(map(len, model.calls)) == 8


def test_progress_counts_every_image_once() -> None:
    store = Store(None)
    for recompute in (False, False, True):
        done: list[int] = []
        CachedImages(BatchDependent(), store, recompute=recompute).embed_images(ITEMS, done.append)
        assert sum(done) == len(ITEMS)


def test_texts_need_an_embedder_of_texts() -> None:
    with pytest.raises(UsageError, match="images alone"):
        CachedImages(BatchDependent(), Store(None)).embed_texts(["a cat"])
