"""The local engine, and what would travel to another one."""

from __future__ import annotations

import pickle
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ictc.embed.work import EmbeddingTexts, Itself
from ictc.embedders.opening import Remade
from ictc.engine import Compute
from ictc.engine.local import LOCAL
from ictc.errors import StepError, UsageError
from ictc.interfaces import Tick
from ictc.modeloptions import ModelOptions
from ictc.models.efficientnet import EfficientNetLite0
from ictc.models.minilm import MiniLM
from ictc.place import Place
from ictc.remote.connecting import check_there
from ictc.store import Store
from ictc.types import Failure, Item
from step1.seeing import CHUNK, Eyes, Looking, Seen
from tests.conftest import invoke


@dataclass
class Squaring:
    side_by_side: bool
    opened: int = 0

    def open(self) -> Compute[int, int]:
        self.opened += 1
        return self._squared

    def lost(self, row: int, code: str, message: str) -> int:
        raise AssertionError

    def _squared(self, rows: Sequence[int], tick: Tick) -> list[int]:
        time.sleep(0.01 if rows[0] == 0 else 0)  # the first one is late
        return [row * row for row in rows]


@pytest.mark.parametrize("side_by_side", [True, False])
def test_in_order_opened_once_and_drawn_as_needed(side_by_side: bool) -> None:
    work, drawn = Squaring(side_by_side), list[int]()

    def batches() -> list[int]:
        for i in range(100):
            drawn.append(i)
            yield [i, i + 1]

    found = LOCAL.map(work, batches())
    assert next(found) == [0, 1] and len(drawn) < 50
    assert list(found) == [[i * i, (i + 1) ** 2] for i in range(1, 100)] and work.opened == 1
    assert not list(LOCAL.map(work, [])) and work.opened == 1


def test_what_travels_is_small_and_computes_the_same() -> None:
    net, minilm = EfficientNetLite0(), MiniLM()
    pixels = np.full((2, 128, 128, 3), 90, np.uint8)
    before, row = net.features(pixels), minilm.embed_texts(["a cat"])
    looking = pickle.dumps(Looking(net, "other"))
    texts = pickle.dumps(EmbeddingTexts(Itself(minilm), minilm.fingerprint))
    assert len(looking) < 1000 and len(texts) < 1000
    assert np.array_equal(pickle.loads(looking).net.features(pixels), before)
    with pytest.raises(StepError, match="not the same here"):
        pickle.loads(looking).open()
    assert np.array_equal(pickle.loads(texts).open()(["a cat"], lambda _: None)[0], row[0])
    remade = pickle.loads(pickle.dumps(Remade("lite0", ModelOptions(), here=net)))
    assert remade().fingerprint.startswith("lite0/")


class Counting:
    """An engine that starts slowly, and counts its starts."""

    at_once = True
    calls = 0

    def map(self, work, batches, tick=lambda _: None):  # type: ignore[no-untyped-def]
        self.calls += 1
        return LOCAL.map(work, batches, tick)


def test_foreseen_images_are_computed_in_one_call(tmp_path: Path) -> None:
    items = []
    for i in range(CHUNK):
        Image.new("RGB", (8, 8), (i, 0, 0)).save(tmp_path / f"{i}.png")
        items.append(Item(f"{i}.png", tmp_path / f"{i}.png", f"sha{i}"))
    (tmp_path / "broken.png").write_bytes(b"no image")
    items.append(Item("broken.png", tmp_path / "broken.png", "broken"))
    engine, ticks = Counting(), list[int]()
    eyes = Eyes(Store(None), EfficientNetLite0(), engine)  # type: ignore[arg-type]
    eyes.foresee(items)
    found = [one for start in range(0, len(items), 10) for one in eyes.look(items[start : start + 10], ticks.append)]
    alone = Eyes(Store(None), EfficientNetLite0()).look(items)
    assert engine.calls == 1 and sum(ticks) == len(items)
    for a, b in zip(found, alone, strict=True):
        assert isinstance(a, Failure) == isinstance(b, Failure)
        assert isinstance(a, Failure) or (isinstance(b, Seen) and np.array_equal(a.features, b.features))


@pytest.mark.parametrize("engine", ["dask", "local:x", "ray:", "ray:ray://head:10001"])
def test_engines_that_are_none(engine: str) -> None:
    with pytest.raises(UsageError):
        Place(engine)


@pytest.mark.parametrize("more", [{"ray_cpus": 0}, {"ray_gpus": -1}, {"ray_workers": 0}])
def test_workers_that_are_none(more: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        Place("ray", **more)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"of --engine ray"):
        Place("local", ray_workers=2)


def test_what_does_not_answer_or_is_not_ray_is_found_out_at_once() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        with pytest.raises(StepError, match=r"refused(.|\n)*ray status"):
            check_there(Place(f"ray:127.0.0.1:{port}"))
        listener.listen()

        def serve() -> None:
            line, _ = listener.accept()
            line.recv(100)
            line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            line.close()

        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(StepError, match="not Ray"):
            check_there(Place(f"ray:127.0.0.1:{port}"))
    with pytest.raises(StepError, match="HOST:PORT"):
        check_there(Place("ray:somewhere"))


def test_without_ray_the_extra_is_named(captions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ictc.remote.opening.find_spec", lambda _: None)
    result = invoke("run", f"recorded:{captions}", "-c", "x", "-k", 3, "-o", tmp_path / "run", "--engine", "ray")
    assert result.exit_code == 2 and "ictc[ray]" in result.output + result.stderr
    assert not (tmp_path / "run").exists()
