"""Our models keep what every `Model` keeps (ictc.contracts), whoever answers: a text and an image-text model in
this process, and a real HTTP server.

The same over vLLM is in tests/vllm/test_contract.py, for `make test-vllm`. To add a backend, add its spec to `make`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from ictc import contracts
from ictc.asking import ask
from ictc.interfaces import Model
from ictc.modeloptions import ModelOptions
from ictc.registry import model
from ictc.types import Item, Reply, Request
from tests.servers.answers import Body
from tests.servers.scripted import ScriptedServer
from tests.tiny.fixture import Tiny

Make = Callable[[], Model]
BACKENDS = ["hf-text", "hf-image-text", "openai"]


def _echo(body: Body) -> str:
    """An answer that depends on the question, no longer than `max_tokens` words."""
    asked = hashlib.sha256(str(body["messages"]).encode()).hexdigest()
    most = body.get("max_completion_tokens") or body.get("max_tokens") or 20
    return " ".join(asked[:20])[: 2 * int(most) - 1]


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(_echo) as running:
        yield running


@pytest.fixture(params=BACKENDS)
def make(request: pytest.FixtureRequest, tiny: Tiny, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Opens the backend anew."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    specs = {
        "hf-text": lambda: f"hf:{tiny('llama')}",
        "hf-image-text": lambda: f"hf:{tiny('llava')}",
        "openai": lambda: f"openai:any@{server.url}",
    }
    spec = specs[request.param]()
    return lambda: model(spec, ModelOptions(device="cpu", concurrency=4))


@pytest.fixture
def sees(make: Make, request: pytest.FixtureRequest) -> bool:
    return request.node.callspec.params["make"] in ("hf-image-text", "openai")


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    """Two pictures, one that is none between them."""
    files = [tmp_path / f"{i}.png" for i in range(3)]
    for file, colour in zip(files, ["red", "black", "blue"], strict=True):
        Image.new("RGB", (40, 30), colour).save(file)
    files[1].write_bytes(b"no picture")
    return [Item(f.name, f, hashlib.sha256(f.read_bytes()).hexdigest()) for f in files]


@pytest.mark.parametrize("check", contracts.MODEL, ids=contracts.name)
def test_contract(check: Callable[[Make, Path], None], make: Make, tmp_path: Path) -> None:
    check(make, tmp_path)


def test_who_sees_answers_about_pictures(make: Make, items: list[Item], sees: bool) -> None:
    answers = list(ask(make(), [Request("describe", "Mood?", image=i, max_tokens=4) for i in items]))
    assert [isinstance(a, Reply) for a in answers] == ([True, False, True] if sees else [False] * 3)


def test_the_picture_and_the_question_are_both_asked(make: Make, items: list[Item], sees: bool) -> None:
    if not sees:
        pytest.skip("a text model")
    pairs = [(q, i) for q in ("Mood?", "What colour is it?") for i in (items[0], items[2])]
    answers = list(ask(make(), [Request("describe", q, image=i, max_tokens=8) for q, i in pairs]))
    assert len({a.text for a in answers if isinstance(a, Reply)}) == 4
