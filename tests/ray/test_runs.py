"""Whole runs: the files are those of the local engine, and neither engine is part of what a run is known by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ictc.embedders.job import embed
from ictc.job import Asked, Done, run
from ictc.means import Means
from ictc.modeloptions import ModelOptions
from ictc.place import Place
from ictc.remote.opening import open_engine
from ictc.spending.meter import Meter
from tests.conftest import write_coloured
from tests.servers.scripted import ScriptedServer
from tests.servers.thinking import thinking
from tests.tiny.fixture import Tiny

RAY = Place("ray:auto")
RESULTS = ("images", "step1_result", "step2a_result", "step3_result", "failures")


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_coloured(tmp_path_factory.mktemp("runs") / "images", each=60)
    (folder / "red" / "broken.png").write_bytes(b"no image")
    return folder


def files(done: Done) -> dict[str, bytes]:
    found = {n: (done.revision.path / f"{n}.jsonl").read_bytes() for n in RESULTS}
    return found | {"taxonomy": (done.revision.path / "step2b_result.json").read_bytes()}


def test_the_same_files_found_again_by_the_other_engine(cluster: Any, images: Path, tmp_path: Path) -> None:
    asked = Asked(str(images), "colour", 3)
    here = run(asked, tmp_path / "here")
    there = run(replace(asked, means=Means(place=RAY)), tmp_path / "there")
    assert files(here) == files(there) and b"not-an-image" in files(there)["failures"]
    assert not there.reused and run(asked, tmp_path / "there").reused


def test_a_run_that_was_stopped_is_gone_on_with_by_either(cluster: Any, images: Path, tmp_path: Path) -> None:
    class Stopped:
        """A watch that ends the run once some images are described."""

        def __call__(self, stage: str, total: int) -> Stopped:
            self.done = 0
            return self

        def __enter__(self) -> Callable[[int], None]:
            return self.tick

        def __exit__(self, *_: object) -> None:
            return None

        def tick(self, n: int) -> None:
            self.done += n
            if 0 < self.done < 181:
                raise KeyboardInterrupt

    asked = Asked(str(images), "colour", 3, Means(place=RAY))
    with pytest.raises(KeyboardInterrupt):
        run(asked, tmp_path / "run", Stopped())  # type: ignore[arg-type]
    assert files(run(asked, tmp_path / "run")) == files(run(Asked(str(images), "colour", 3), tmp_path / "here"))


def kind(text: str) -> str:
    return next(k for k in ("cat", "truck", "guitar") if k in text)


def test_models_are_asked_the_same_and_as_often(cluster: Any, captions: Path, tmp_path: Path) -> None:
    with ScriptedServer(thinking(kind), latency=0.005) as server:
        counts, results = [], []
        for name, place in (("here", Place()), ("there", RAY)):
            meter, before = Meter(), server.count
            means = Means(reasoner=f"openai:any@{server.url}", place=place, options=ModelOptions(concurrency=8))
            done = run(Asked(f"recorded:{captions}", "object", 3, means), tmp_path / name, meter=meter)
            counts.append((server.count - before, meter.to_json()["requests"]))
            results.append(files(done))
        assert results[0] == results[1] and counts[0] == counts[1] and counts[0][0] > 30


@pytest.mark.parametrize("kind", ["clip", "offline"])
def test_embedders_give_the_same_vectors(cluster: Any, tiny: Tiny, images: Path, tmp_path: Path, kind: str) -> None:
    spec = f"clip:{tiny('clip')}" if kind == "clip" else kind
    done = [
        embed(str(images), spec, None, tmp_path / f"{name}.npy", ModelOptions(device="cpu"), engine=open_engine(place))
        for name, place in (("here", Place()), ("there", RAY))
    ]
    assert len(done[0].failures) == len(done[1].failures) == 1
    assert (tmp_path / "here.npy").read_bytes() == (tmp_path / "there.npy").read_bytes()
