"""What every `Model` keeps, whoever answers: a text and an image-text model in this process, and a real HTTP server.

The same over vLLM is in tests/vllm/test_contract.py, for `make test-vllm`. To add a backend, add its spec to `make`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from PIL import Image

from ictc.asking import StoredModel, ask, text_fingerprint
from ictc.interfaces import Model
from ictc.modeloptions import ModelOptions
from ictc.registry import model
from ictc.store import Store
from ictc.types import Failure, Item, Reply, Request
from tests.servers.answers import Body
from tests.servers.scripted import ScriptedServer
from tests.tiny.fixture import Tiny

Make = Callable[[], Model]
BACKENDS = ["hf-text", "hf-image-text", "openai"]
UNICODE = ["猫 🐈", "e\u0301", "\ud800", "\u202eevil", "\x00", "", 'a "quote" \\ and\nlines', "<|im_end|>"]


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


def _requests(texts: list[str], most: int = 6) -> list[Request]:
    return [Request("label", text, system="Name the mood.", max_tokens=most) for text in texts]


def test_every_request_is_answered_once_under_its_number(make: Make) -> None:
    requests = _requests([f"text {i} " * (1 + i % 7) for i in range(23)])
    numbered = list(make().generate(requests))
    assert sorted(n for n, _ in numbered) == list(range(23))
    assert all(isinstance(a, Reply) for _, a in numbered)
    answers = dict(numbered)
    alone = make()
    for i in (0, 11, 22):
        assert list(alone.generate([requests[i]])) == [(0, answers[i])]


def test_nothing_is_asked_for_nothing(make: Make) -> None:
    assert list(make().generate([])) == []


def test_requests_are_taken_lazily(make: Make) -> None:
    taken = 0

    def endless() -> Iterator[Request]:
        nonlocal taken
        for i in count():
            taken += 1
            yield Request("label", f"text {i}", max_tokens=2)

    answers = make().generate(endless())
    for _ in range(5):
        next(answers)
    assert taken <= 512
    answers.close()  # type: ignore[attr-defined]


def test_the_same_request_gets_the_same_answer(make: Make) -> None:
    requests = _requests(["cat", "dog", "cat"])
    first = list(ask(make(), requests))
    assert first[0] == first[2] != first[1]
    assert list(ask(make(), requests)) == first


def test_any_text_is_taken(make: Make) -> None:
    answers = list(ask(make(), _requests(UNICODE)))
    assert [isinstance(a, Reply) for a in answers] == [True] * len(UNICODE)
    for answer in answers:
        assert isinstance(answer, Reply)
        answer.text.encode()


def test_max_tokens_is_kept(make: Make) -> None:
    for most in (1, 5):
        [answer] = ask(make(), _requests(["cat"], most))
        assert isinstance(answer, Reply)
        assert answer.output_tokens <= most and len(answer.text.split()) <= most


def test_what_is_stored_is_not_asked_again(make: Make) -> None:
    store = Store(None)
    requests = _requests(["cat", "dog"])
    first = list(ask(StoredModel(make(), store), requests))
    unasked = _Forbidden(make())
    assert list(ask(StoredModel(unasked, store), requests)) == first


class _Forbidden:
    def __init__(self, model: Model) -> None:
        self.fingerprint, self.text_fingerprint = model.fingerprint, text_fingerprint(model)

    def generate(self, requests: object) -> Iterator[tuple[int, Reply | Failure]]:
        assert list(requests) == []  # type: ignore[call-overload]
        return iter(())


def test_pictures_that_cannot_be_read_fail_in_their_place(make: Make, items: list[Item], sees: bool) -> None:
    answers = list(ask(make(), [Request("describe", "Mood?", image=i, max_tokens=4) for i in items]))
    assert [isinstance(a, Reply) for a in answers] == ([True, False, True] if sees else [False] * 3)
    for answer in answers:
        if isinstance(answer, Failure):
            assert answer.image == "" and answer.code and answer.message and not answer.retryable


def test_the_picture_and_the_question_are_both_asked(make: Make, items: list[Item], sees: bool) -> None:
    if not sees:
        pytest.skip("a text model")
    pairs = [(q, i) for q in ("Mood?", "What colour is it?") for i in (items[0], items[2])]
    answers = list(ask(make(), [Request("describe", q, image=i, max_tokens=8) for q, i in pairs]))
    assert len({a.text for a in answers if isinstance(a, Reply)}) == 4


def test_the_fingerprint_does_not_change_by_use(make: Make) -> None:
    made = make()
    before = made.fingerprint
    list(made.generate(_requests(["cat"], 1)))
    assert before and made.fingerprint == before == make().fingerprint
