"""`vllm:DIR` in this process: a real vLLM, one engine for all tests of this file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ictc.asking import ask
from ictc.interfaces import Model
from ictc.modeloptions import ModelOptions
from ictc.registry import model
from ictc.types import Failure, Item, Reply, Request
from tests.vllm.conftest import CONTEXT, NAMES

SCHEMA = {"type": "object", "properties": {"answer": {"enum": list(NAMES)}}, "required": ["answer"]}


def _request(text: str, **more: object) -> Request:
    return Request("assign", text, "You sort pictures.", **{"max_tokens": 60, "schema": SCHEMA, **more})  # type: ignore[arg-type]


def test_answers_keep_to_the_schema_and_come_in_order(engine: Model) -> None:
    numbers, answers = zip(*engine.generate(_request(f"Picture {i}") for i in range(20)), strict=True)
    assert numbers == tuple(range(20))
    for answer in answers:
        assert isinstance(answer, Reply), answer
        assert json.loads(answer.text)["answer"] in NAMES
        assert answer.finish == "stop"
        assert answer.input_tokens > 20
        assert answer.output_tokens > 5


def test_the_same_requests_get_the_same_answers_in_any_company(engine: Model) -> None:
    requests = [_request(f"Picture {i}", schema=None, max_tokens=12) for i in range(6)]
    together = list(ask(engine, requests))
    alone = [next(ask(engine, [request])) for request in requests]
    assert together == alone
    assert len({answer.text for answer in together if isinstance(answer, Reply)}) > 1


def test_a_cut_answer_says_so(engine: Model) -> None:
    (answer,) = ask(engine, [_request("Go on", schema=None, max_tokens=3)])
    assert isinstance(answer, Reply)
    assert (answer.finish, answer.output_tokens) == ("length", 3)


def test_what_cannot_be_asked_fails_in_its_place(engine: Model) -> None:
    impossible = {"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}}
    requests = [
        _request("first"),
        _request("x" * CONTEXT),
        _request("third", schema=impossible),
        _request("fourth"),
    ]
    first, long, schema, fourth = ask(engine, requests)
    assert isinstance(first, Reply)
    assert isinstance(fourth, Reply)
    assert isinstance(long, Failure)
    assert (long.code, long.retryable, long.stage) == ("context-overflow", False, "assign")
    assert isinstance(schema, Failure)
    assert (schema.code, schema.retryable) == ("bad-request", False)


def test_pictures_are_refused_by_a_model_without_eyes(engine: Model, tmp_path: Path) -> None:
    from PIL import Image

    path = tmp_path / "red.png"
    Image.new("RGB", (32, 32), "red").save(path)
    missing = Item("gone.png", tmp_path / "gone.png")
    seen, gone, text = ask(
        engine, [_request("What?", image=Item("red.png", path)), _request("What?", image=missing), _request("What?")]
    )
    assert isinstance(seen, Failure)
    assert (seen.code, seen.retryable) == ("bad-request", False)
    assert isinstance(gone, Failure)
    assert isinstance(text, Reply)


def test_requests_are_taken_no_further_than_a_window(engine: Model) -> None:
    taken = 0

    def requests() -> Iterator[Request]:
        nonlocal taken
        for i in range(100):
            taken += 1
            yield _request(f"Picture {i}", max_tokens=40)

    next(engine.generate(requests()))
    assert taken <= 9


def test_nothing_is_printed_on_standard_output(engine: Model, capfd: pytest.CaptureFixture[str]) -> None:
    list(ask(engine, [_request("Hello")]))
    assert capfd.readouterr().out == ""


def test_the_fingerprint_needs_no_loading_and_no_place(tiny_llama: Path, tmp_path: Path) -> None:
    import shutil

    copy = shutil.copytree(tiny_llama, tmp_path / "copy")
    options = ModelOptions()
    fingerprint = model(f"vllm:{tiny_llama}", options).fingerprint
    assert model(f"vllm:{copy}", options).fingerprint == fingerprint
    (copy / "tokenizer_config.json").write_text("{}")
    assert model(f"vllm:{copy}", options).fingerprint != fingerprint
