"""The measurements' stand-in for a recorded model answers as the record says, and knows no more than it is to know."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.replay import models, read, respond, strict

TEXTS = ("a grand piano", "a piano and a stool", "a piano in a hall", "a violin")
LABELS = ("Keyboard", "keyboard", "keyboard", "fiddle")
ANSWERS = ("violin", "piano", "piano", "violin")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A recorded run of the original, of one image more than its captions.jsonl has."""
    images = [f"{i}_{kind}.png" for i, kind in enumerate(("piano", "piano", "piano", "violin", "violin"))]
    rows = [json.dumps({"image": image, "text": text}) for image, text in zip(images, TEXTS, strict=False)]
    (tmp_path / "captions.jsonl").write_text("\n".join(rows))
    folder = tmp_path / "runs" / "gpt4"
    folder.mkdir(parents=True)
    pairs = {"step2a": (*LABELS, "fiddle"), "step3": (*ANSWERS, "piano")}
    for step, answers in pairs.items():
        lines = [f"Image file-data/{image} Answer: {a}" for image, a in zip(images, answers, strict=True)]
        (folder / f"{step}_result.txt").write_text("\n".join(lines))
    (folder / "step2b_result.txt").write_text("1: piano\n2: violin\n")
    return folder


def asked(answer: Callable[[Mapping[str, Any]], str], what: str, **question: Any) -> str:
    shape = {"json_schema": {"schema": {"properties": {what: "string"}}}}
    return answer({"response_format": shape, "messages": [{"content": json.dumps(question)}]})


def home(answer: Callable[[Mapping[str, Any]], str], label: str) -> str:
    told = json.loads(asked(answer, "answers", labels=[{"id": 1, "label": label}]))
    return str(told["answers"][0]["category"])


def test_answers_are_the_recorded_ones(run: Path) -> None:
    answer = respond(read(run, run.parents[1] / "captions.jsonl"))
    assert asked(answer, "label", description="a piano in a hall") == "Answer: keyboard"
    assert asked(answer, "category", description="a piano in a hall") == "Answer: piano"
    assert asked(answer, "categories", labels=[]) == "Answer 1: piano\nAnswer 2: violin"
    assert [home(answer, x) for x in ("KEYBOARD", "fiddle", "drum")] == ["piano", "violin", "none"]


def test_who_is_to_know_only_what_was_asked_places_labels_by_that(run: Path) -> None:
    answer = respond(read(run, run.parents[1] / "captions.jsonl"), knowing_all=False)
    assert home(answer, "keyboard") == "none"
    asked(answer, "category", description=TEXTS[1])
    assert home(answer, "keyboard") == "none", "only labels count that were asked for"
    asked(answer, "label", description=TEXTS[0])
    assert home(answer, "keyboard") == "violin", "the one image that it saw went there"
    for text in TEXTS[1:3]:
        asked(answer, "label", description=text)
    assert home(answer, "keyboard") == "piano"


def test_images_without_a_description_are_left_out(run: Path) -> None:
    found = read(run, run.parents[1] / "captions.jsonl")
    assert len(found.labels) == len(found.assignments) == len(found.replies) == 4
    assert strict(found) == 0.75


def test_a_folder_is_a_run_or_holds_several(run: Path) -> None:
    (run.parent / "another").mkdir()
    assert models(run) == [run]
    assert models(run.parent) == [run, run.parent / "another"], "GPT-4 first"
    assert models(None) == []


@pytest.mark.parametrize("more", [[], ["-c", "mood"], ["-k", "3"]])
def test_a_set_of_ones_own_needs_a_criterion_and_k(
    more: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "accuracy", "--captions", "x.jsonl", *more])
    with pytest.raises(SystemExit):
        main()
    assert "--criterion C -k K" in capsys.readouterr().err
