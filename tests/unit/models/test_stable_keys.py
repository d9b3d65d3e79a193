"""What an answer is stored under: nothing is paid for again because of what has no bearing on it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ictc.asking import StoredModel, ask, text_fingerprint
from ictc.errors import AnswersLater, SpecError
from ictc.interfaces import Model
from ictc.modeloptions import ModelOptions
from ictc.models import vllm
from ictc.models.hf import create as hf
from ictc.prompts import Prompts
from ictc.reasoners.llm import LlmReasoner
from ictc.registry import model
from ictc.spending.counting import Counting
from ictc.spending.meter import Meter, Metered
from ictc.spending.prices import LOCAL
from ictc.store import Store
from ictc.types import Item, Reply, Request
from tests.servers.scripted import ScriptedServer
from tests.tiny.fixture import Tiny, tiny

__all__ = ["tiny"]


@pytest.fixture
def requests(tmp_path: Path) -> list[Request]:
    """A text, and a picture."""
    file = tmp_path / "red.png"
    Image.new("RGB", (90, 60), "red").save(file)
    item = Item(file.name, file, hashlib.sha256(file.read_bytes()).hexdigest())
    return [Request("label", "a text", max_tokens=4), Request("describe", "what is it", image=item, max_tokens=4)]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as running:
        yield running


def opened(spec: str, store: Store, side: int, **more: Any) -> StoredModel:
    bare = model(spec, ModelOptions(image_side=side, device="cpu", **more))
    return StoredModel(Metered(bare, Meter(), LOCAL, spec), store)


def test_another_size_of_pictures_asks_for_pictures_alone(server: ScriptedServer, requests: list[Request]) -> None:
    spec = f"openai:m@{server.url}"
    with Store(None) as store:
        for side, asked in ((64, 2), (64, 2), (32, 3)):
            assert all(isinstance(a, Reply) for a in ask(opened(spec, store, side), requests))
            assert server.count == asked
        bare = model(spec, ModelOptions(image_side=16))
        counting = Counting(bare.fingerprint, side=16, texts=text_fingerprint(bare))
        list(ask(StoredModel(counting, store), requests))
        assert counting.taken().requests == 1, "a dry run says the same"
        sides = [LlmReasoner(opened(spec, store, side), Prompts(None), spec).fingerprint for side in (64, 32)]
        assert sides[0] == sides[1], "names and labels are not another reasoner's"


def test_so_does_a_batch(server: ScriptedServer, requests: list[Request]) -> None:
    spec = f"openai:m@{server.url}"
    texts = [Request("label", str(i)) for i in range(5)]
    for side in (64, 32):
        with pytest.raises(AnswersLater, match="batch_1"):
            list(model(spec, ModelOptions(image_side=side, batch=True, leave=True)).generate(texts[side == 32 :]))
    assert (server.count, len(server.batches.batches)) == (1, 1)


@pytest.mark.parametrize("name", ["llava", "llama"])
def test_so_does_a_model_in_this_process(tiny: Tiny, name: str) -> None:
    small, large = (hf(str(tiny(name)), ModelOptions(image_side=side)) for side in (64, 32))
    assert text_fingerprint(small) == text_fingerprint(large) != ""
    assert (small.fingerprint == large.fingerprint) == (name == "llama")


def test_weights_are_looked_at_once_and_not_for_each_request(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr("ictc.models.hf.spec.folder_digest", lambda *asked: read.append(asked[0]) or "digest")
    made = hf(str(tiny("llama")), ModelOptions(device="cpu"))
    with Store(None) as store:
        list(ask(StoredModel(made, store), [Request("label", str(i), max_tokens=1) for i in range(5)]))
    assert len(read) == 1


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A hub as `huggingface_hub` leaves its cache after fetching a file: the commits of repositories, by name."""
    commits: dict[str, str] = {}
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))

    def download(repo: str, file: str, revision: str | None = None) -> str:
        if repo not in commits:
            raise OSError(f"no network, and no {repo}")
        folder = tmp_path / f"models--{repo.replace('/', '--')}"
        (folder / "refs").mkdir(parents=True, exist_ok=True)
        if revision is None:
            (folder / "refs" / "main").write_text(commits[repo])
        (folder / file).write_text('{"model_type": "llama"}')
        return str(folder / file)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    monkeypatch.setattr(vllm, "obstacle", lambda *_: None)
    return commits


@pytest.mark.parametrize("kind", ["hf", "vllm"])
def test_a_model_of_the_hub_is_the_same_before_and_after_it_is_fetched(hub: dict[str, str], kind: str) -> None:
    def fingerprint() -> str:
        made: Model = model(f"{kind}:owner/name", ModelOptions())
        return made.fingerprint

    hub["owner/name"] = "c0ffee"
    before = fingerprint()
    assert "owner/name@c0ffee" in before
    hub["owner/name"] = "decaf"
    assert fingerprint() == before, "what is in the cache is what is used"
    with pytest.raises(SpecError, match="cannot be fetched") as raised:
        model(f"{kind}:owner/other", ModelOptions())
    assert f"{kind}:FOLDER" in raised.value.hint
