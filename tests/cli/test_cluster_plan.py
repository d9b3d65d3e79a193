"""`ictc cluster --dry-run`: what would be embedded, what naming would cost, and nothing done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from ictc.cli.app import app
from tests.servers.scripted import ScriptedServer


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(6):
        Image.new("RGB", (16, 16), [(220, 20, 20), (20, 20, 220)][i % 2] if i < 4 else (10 * i, 90, 0)).save(
            folder / f"{i}.png"
        )
    return folder


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(lambda _: json.dumps({"answers": [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}]})) as up:
        yield up


def ictc(*words: object, command: str = "cluster") -> dict[str, Any]:
    more = ["--no-report"] if command == "cluster" else []
    done = CliRunner().invoke(app, [command, *map(str, words), "--json", *more], env={"OPENAI_API_KEY": "none"})
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_what_would_be_embedded_is_counted_and_nothing_is_done(pictures: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    plan = ictc(pictures, "-k", 2, "-o", run, "--dry-run")
    assert plan["dry_run"] and plan["requests"]["high"] == 0 and not run.exists()
    none = {"embedder": "offline", "images": 6, "stored": 0, "to_embed": 4, "done": False}
    assert plan["embedding"] == none, "four of the six are two pictures, each twice"
    ictc(pictures, "-k", 2, "-o", run)
    before = {file: file.read_bytes() for file in run.rglob("*.json*")}
    Image.new("RGB", (16, 16), (0, 255, 255)).save(pictures / "new.png")
    assert ictc(pictures, "-k", 2, "-o", run, "--dry-run")["embedding"]["to_embed"] == 1
    (pictures / "new.png").unlink()
    assert ictc(pictures, "-k", 2, "-o", run, "--dry-run")["embedding"]["done"]
    assert ictc(pictures, "-k", 3, "-o", run, "--dry-run")["embedding"] == {**none, "stored": 6, "to_embed": 0}
    assert ictc(pictures, "-k", 2, "-o", run, "--recompute", "--dry-run")["embedding"]["to_embed"] == 4
    assert {file: file.read_bytes() for file in run.rglob("*.json*")} == before
    shown = CliRunner().invoke(app, ["cluster", str(pictures), "-k", "3", "-o", str(run), "--dry-run"]).stdout
    assert "6 of 6 images have a vector of offline; 0 would be embedded." in shown


def test_a_model_that_names_is_counted_and_not_asked(pictures: Path, server: ScriptedServer, tmp_path: Path) -> None:
    words = (pictures, "-k", 2, "-o", tmp_path / "run", "--reasoner", f"openai:m@{server.url}", "--price", "1,2")
    plan = ictc(*words, "--dry-run")
    (naming,) = (step for step in plan["steps"] if step["stage"] == "merge")
    assert naming["requests"] == {"low": 1, "likely": 1, "high": 2} and not naming["exact"]
    assert 0 < plan["cost"]["low"] <= plan["cost"]["likely"] < plan["cost"]["high"]
    assert not server.bodies
    spent = ictc(*words)["spent"]
    low, high = (naming["input_tokens"][key] for key in ("low", "high"))
    assert spent["requests"] == 1 and low / 2 < spent["input_tokens"] < high
    again = ictc(*words, "--dry-run")
    assert again["embedding"]["done"] and again["requests"]["high"] == 0
    step = ictc(tmp_path / "run", "-k", 3, "--dry-run", command="step2b")
    assert step["requests"]["likely"] == 1 and len(server.bodies) == 1


def test_descriptions_are_counted_where_they_stand_for_images(tmp_path: Path) -> None:
    said = tmp_path / "said.jsonl"
    rows = [{"image": f"{i}.png", "text": f"A {('cat', 'car')[i % 2]}, {i // 2 * 2}."} for i in range(8)]
    said.write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = (f"recorded:{said}", "--embedder", "sbert:", "-k", 2, "-o", tmp_path / "run")
    assert ictc(*words, "--dry-run")["embedding"]["to_embed"] == 8
    ictc(*words)
    assert ictc(*words[:-3], 3, "-o", tmp_path / "run", "--dry-run")["embedding"]["to_embed"] == 0


def test_what_cannot_be_is_told_by_a_dry_run_too(pictures: Path, tmp_path: Path) -> None:
    for words, said in ((["-k", "7"], "only 6 images"), (["--clusterer", "text"], "needs a prompt")):
        done = CliRunner().invoke(app, ["cluster", str(pictures), "-o", str(tmp_path / "r"), *words, "--dry-run"])
        assert done.exit_code == 2 and said in done.output
