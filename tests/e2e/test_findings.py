"""Two names of one thing are found when a run is made, and told from then on without a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import invoke
from tests.servers.scripted import ScriptedServer
from tests.servers.thinking import thinking

KINDS = ("boat", "ship", "guitar")
PLACES = ("on calm water", "in the harbour", "at sea", "by the quay")


def tell(text: str) -> str:
    return next((kind for kind in KINDS if kind in text), "boat")


def alike(stdout: str) -> list[list[str]]:
    told: dict[str, Any] = json.loads(stdout)
    return [f["clusters"] for f in told.get("findings", []) if f["kind"] == "alike"]


def test_names_of_one_meaning_are_told_by_run_and_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    captions, run = tmp_path / "captions.jsonl", tmp_path / "run"
    texts = [f"A {KINDS[i % 3]} {PLACES[i % 4]}, seen from deck {i % 5}." for i in range(36)]
    captions.write_text("".join(json.dumps({"image": f"{i}.png", "text": t}) + "\n" for i, t in enumerate(texts)))
    with ScriptedServer(thinking(tell)) as server:
        words = ("run", f"recorded:{captions}", "-c", "object", "-k", 3, "-o", run, "--no-report", "--json")
        done = invoke(*words, "--reasoner", f"openai:tiny@{server.url}", env={"OPENAI_API_KEY": "sk-test"})
    assert done.exit_code == 0 and len(alike(done.stdout)) == 1
    assert sorted(alike(done.stdout)[0]) == ["boat", "ship"]
    assert "-k 2" in done.stderr and "mean nearly the same" in done.stderr
    monkeypatch.setattr("ictc.backends.MiniLM", lambda: pytest.fail("show computes nothing"))
    assert alike(invoke("show", run, "--json").stdout) == alike(done.stdout)
