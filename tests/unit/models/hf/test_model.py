"""Batches, memory and failures: `HfModel` around a family that counts, and around tiny models."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path

import pytest
from PIL import Image

from ictc.asking import ask
from ictc.modeloptions import ModelOptions
from ictc.models.hf import HfModel, create
from ictc.models.hf.batching import BatchSize
from ictc.models.hf.spec import Source
from ictc.types import Failure, Item, Reply, Request
from tests.tiny.fixture import Tiny


class Limited:
    """A family whose device holds `room` requests, and which cannot take the text `bad`."""

    def __init__(self, room: int, error: type[Exception] = MemoryError) -> None:
        self.room, self.error = room, error
        self.tried: list[int] = []

    def kind(self, request: Request) -> Hashable:
        return request.max_tokens

    def length(self, request: Request) -> int:
        return len(request.user)

    def answers(self, requests: Sequence[Request], pictures: Sequence[Image.Image | None]) -> list[Reply | Failure]:
        self.tried.append(len(requests))
        if any(r.user == "bad" for r in requests):
            raise ValueError("no such text")
        if len(requests) > self.room:
            raise self.error("CUDA out of memory. Tried to allocate 2 GiB")
        return [Reply(r.user.upper()) for r in requests]


def _model(family: Limited, batch_size: int | None = None) -> HfModel:
    return HfModel(Source("none", 0, {}), ModelOptions(batch_size=batch_size), lambda: family)


@pytest.mark.parametrize("error", [MemoryError, RuntimeError])
def test_out_of_memory_halves_the_batch_and_is_remembered(error: type[Exception]) -> None:
    family = Limited(room=3, error=error)
    model = _model(family)
    texts = [f"text {i}" for i in range(30)]
    answers = list(ask(model, [Request("label", t) for t in texts]))
    assert [a.text for a in answers if isinstance(a, Reply)] == [t.upper() for t in texts]
    assert family.tried[:3] == [8, 4, 2] and max(family.tried[3:]) == 2
    family.tried.clear()
    list(ask(model, [Request("label", t) for t in texts]))
    assert max(family.tried) == 2


def test_where_not_even_one_fits_each_fails_and_may_be_tried_again() -> None:
    found = list(ask(_model(Limited(room=0)), [Request("label", str(i)) for i in range(3)]))
    assert [f.code for f in found if isinstance(f, Failure)] == ["out-of-memory"] * 3
    assert all(f.retryable for f in found if isinstance(f, Failure))


def test_batches_grow_while_they_fit_but_not_beyond_what_was_asked_for() -> None:
    free, asked = Limited(room=1000), Limited(room=1000)
    requests = [Request("label", str(i)) for i in range(300)]
    list(_model(free).generate(requests))
    list(_model(asked, batch_size=5).generate(requests))
    assert free.tried[0] == 8 and max(free.tried) == 64
    assert set(asked.tried) == {5}


def test_one_that_cannot_be_done_does_not_take_others_with_it() -> None:
    texts = ["a", "bad", "b", "c"]
    found = list(ask(_model(Limited(room=9)), [Request("label", t) for t in texts]))
    assert [f.text if isinstance(f, Reply) else f.code for f in found] == ["A", "bad-request", "B", "C"]
    failed = found[1]
    assert isinstance(failed, Failure) and failed.image == "" and "no such text" in failed.message


def test_batch_sizes() -> None:
    size = BatchSize(8, 64)
    size.fitted(7)
    assert size.now == 8
    size.fitted(8)
    assert size.now == 16
    assert size.ran_out(16) and size.now == 8
    size.fitted(8)
    assert size.now == 8
    assert not size.ran_out(1)


def test_an_unreadable_picture_fails_in_its_place(tiny: Tiny, pictures: list[Item], tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    items = [pictures[0], Item("broken.png", broken, "f" * 64), Item("gone.png", None, "e" * 64), pictures[1]]
    model = create(str(tiny("llava")), ModelOptions(device="cpu"))
    found = list(ask(model, [Request("describe", "Mood?", image=i, max_tokens=4) for i in items]))
    assert [isinstance(f, Failure) for f in found] == [False, True, True, False]
    assert all(f.image == "" and f.stage == "image" and f.code for f in found if isinstance(f, Failure))


def test_a_text_model_says_that_it_cannot_see(tiny: Tiny, pictures: list[Item]) -> None:
    model = create(str(tiny("llama")), ModelOptions(device="cpu"))
    [found] = ask(model, [Request("describe", "Mood?", image=pictures[0])])
    assert isinstance(found, Failure) and found.code == "bad-request" and "cannot see" in found.message


@pytest.mark.parametrize("family", ["blip", "vilt"])
def test_a_captioner_needs_a_picture(tiny: Tiny, family: str) -> None:
    [found] = ask(create(str(tiny(family)), ModelOptions(device="cpu")), [Request("label", "Mood?")])
    assert isinstance(found, Failure) and found.code == "bad-request"


def test_hostile_shapes_fail_alone(tiny: Tiny, pictures: list[Item], tmp_path: Path) -> None:
    """Qwen's own preparation refuses what is 200 times as wide as high."""
    thin = tmp_path / "thin.png"
    Image.new("RGB", (1000, 2), "red").save(thin)
    model = create(str(tiny("qwen2-vl")), ModelOptions(device="cpu"))
    items = [pictures[0], Item("thin.png", thin, "d" * 64), pictures[1]]
    found = list(ask(model, [Request("describe", "Mood?", image=i, max_tokens=4) for i in items]))
    assert [isinstance(f, Reply) for f in found] == [True, False, True]
    assert isinstance(found[1], Failure) and found[1].code == "bad-request"
