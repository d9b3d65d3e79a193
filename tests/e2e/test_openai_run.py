"""The main job with a model behind a real HTTP server: once, again, refined, lost half-way, several criteria."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from ictc.cli.app import app
from tests.servers.answers import error
from tests.servers.scripted import ScriptedServer
from tests.servers.thinking import thinking

COLOURS = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220)}
KEY = "sk-canary-7d1f"


def look(image: Image.Image) -> str:
    mean = np.asarray(image.convert("RGB")).reshape(-1, 3).mean(axis=0)
    return f"A field that is {min(COLOURS, key=lambda c: float(np.abs(mean - COLOURS[c]).sum()))}."


def tell(text: str) -> str:
    return next((c for c in COLOURS if c in text), "grey")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i, colour in enumerate([*COLOURS] * 4):
        noise = np.random.default_rng(i).integers(-15, 15, (24, 32, 3))
        pixels = np.clip(np.asarray(COLOURS[colour]) + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}_{colour}.png")
    return folder


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(thinking(tell, look), key=KEY) as started:
        yield started


def ictc(*words: object, key: str = KEY) -> tuple[int, dict[str, Any], str]:
    result = CliRunner().invoke(app, [*map(str, words), "--json"], env={"OPENAI_API_KEY": key})
    return result.exit_code, json.loads(result.stdout), result.stderr


def asked(pictures: Path, server: ScriptedServer, run: Path, *more: object) -> tuple[int, dict[str, Any], str]:
    return ictc("run", pictures, "-c", "dominant colour", "-k", 3, "-o", run, "--model", f"openai:tiny@{server.url}",
                "--truth", "filename", *more)  # fmt: skip


def test_a_model_does_all_steps_and_a_repeat_asks_nothing(
    pictures: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    code, first, _ = asked(pictures, server, tmp_path / "run")
    assert code == 0
    assert (first["acc"], first["unassigned"], first["failed"]) == (1.0, 0, 0)
    assert sorted(c["name"] for c in first["clusters"]) == sorted(COLOURS)
    assert first["spent"]["requests"] == server.count == 12 + 3 + 1 + 3  # equal descriptions are asked once
    by = {json.loads(x)["by"] for x in (tmp_path / "run/001/step3_result.jsonl").read_text().splitlines()}
    assert by == {f"openai:tiny@{server.url}"}
    code, again, _ = asked(pictures, server, tmp_path / "run")
    assert code == 0 and again["reused"] and server.count == 19
    assert again["clusters"] == first["clusters"]


def test_a_k_that_the_names_cannot_have_is_told_before_anything_is_asked(
    pictures: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    (tmp_path / "names").write_text("red\ngreen\n")
    code, told, _ = asked(pictures, server, tmp_path / "run", "--names", tmp_path / "names")
    assert (code, server.count) == (2, 0) and "K is 3" in told["error"]


def test_what_a_model_refused_is_asked_again_when_wanted(
    pictures: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    answer, server.respond = server.respond, lambda _: error(400, "This model sees no pictures.")
    code, told, _ = asked(pictures, server, tmp_path / "run")
    assert code == 4 and "--retry-failed" in told["hint"]
    server.respond, before = answer, server.count
    code, _, _ = asked(pictures, server, tmp_path / "run")
    assert (code, server.count) == (4, before), "kept"
    code, done, _ = asked(pictures, server, tmp_path / "run", "--retry-failed")
    assert code == 0 and done["failed"] == 0 and server.count > before
    sent = server.count
    code, again, _ = asked(pictures, server, tmp_path / "run", "--retry-failed")
    assert code == 0 and again["reused"] and server.count == sent


def test_another_k_asks_for_names_and_assignments_alone(pictures: Path, server: ScriptedServer, tmp_path: Path) -> None:
    asked(pictures, server, tmp_path / "run")
    before = server.count
    _, second, _ = asked(pictures, server, tmp_path / "run", "-k", 2)
    assert second["revision"] == "002" and second["k"] == 2
    assert server.count - before == 1 + 3 + 1  # the third colour is none of the two names: it is asked once more
    assert second["unassigned"] == 4 and second["acc"] == pytest.approx(8 / 12, abs=1e-3)


def test_a_dry_run_asks_and_writes_nothing(pictures: Path, server: ScriptedServer, tmp_path: Path) -> None:
    code, plan, _ = asked(pictures, server, tmp_path / "run", "--dry-run")
    assert code == 0 and server.count == 0 and not (tmp_path / "run").exists()
    assert plan["steps"][0]["requests"] == {"low": 12, "likely": 12, "high": 12}
    asked(pictures, server, tmp_path / "run")
    _, plan, _ = asked(pictures, server, tmp_path / "run", "--dry-run")
    assert plan["requests"] == {"low": 0, "likely": 0, "high": 0}


def test_a_budget_stops_and_a_larger_one_goes_on(pictures: Path, server: ScriptedServer, tmp_path: Path) -> None:
    code, told, _ = asked(pictures, server, tmp_path / "run", "--max-calls", 8)
    assert code == 5 and server.count == 8 and "--max-calls" in told["hint"]
    code, done, _ = asked(pictures, server, tmp_path / "run", "--max-calls", 11)
    assert code == 0 and server.count == 19
    assert done["spent"]["requests"] == 19


def test_several_criteria_are_one_look_at_each_picture(pictures: Path, server: ScriptedServer, tmp_path: Path) -> None:
    code, both, _ = asked(pictures, server, tmp_path / "run", "-c", "what is shown")
    assert code == 0
    assert [r["criterion"] for r in both["runs"]] == ["dominant colour", "what is shown"]
    assert [r["revision"] for r in both["runs"]] == ["001", "002"]
    with_picture = [b for b in server.bodies if isinstance(b["messages"][-1]["content"], list)]
    assert len(with_picture) == 12


def test_the_steps_one_by_one_give_the_same_files(pictures: Path, server: ScriptedServer, tmp_path: Path) -> None:
    model, alone = f"openai:tiny@{server.url}", tmp_path / "steps"
    asked(pictures, server, tmp_path / "run")
    assert ictc("step1", pictures, "-c", "dominant colour", "-o", alone, "--describer", model)[0] == 0
    assert ictc("step2a", alone, "--reasoner", model)[0] == 0
    assert ictc("step2b", alone, "-k", 3)[0] == 0
    assert ictc("step3", alone)[0] == 0
    for name in ("step1_result.jsonl", "step2a_result.jsonl", "step2b_result.json", "step3_result.jsonl"):
        assert (alone / "001" / name).read_bytes() == (tmp_path / "run/001" / name).read_bytes()


def test_a_model_that_dies_stops_the_run_and_nothing_is_lost(
    pictures: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    answer = server.respond
    server.respond = lambda body: answer(body) if server.count <= 14 else error(401, "key revoked")
    code, told, _ = asked(pictures, server, tmp_path / "run", "--concurrency", 1)
    assert code == 4 and "unauthorized" in told["error"] and "--fallback" in told["hint"]
    before = server.count
    server.respond = answer
    code, done, _ = asked(pictures, server, tmp_path / "run")
    assert code == 0 and done["acc"] == 1.0
    assert server.count - before == 19 - 14


def test_with_a_fallback_the_offline_lane_does_the_rest_and_says_so(
    pictures: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    answer = server.respond
    server.respond = lambda body: answer(body) if server.count <= 17 else error(401, "key revoked")
    code, done, _ = asked(pictures, server, tmp_path / "run", "--concurrency", 1, "--fallback", "offline")
    assert code == 0 and done["assigned"] == 12
    rows = [json.loads(x) for x in (tmp_path / "run/001/step3_result.jsonl").read_text().splitlines()]
    fell = [r for r in rows if "offline (openai:tiny" in r["by"]]
    assert 0 < len(fell) < 12 and all("unauthorized" in r["by"] for r in fell)
    server.respond = answer
    code, again, _ = asked(pictures, server, tmp_path / "run")
    assert code == 0 and not again["reused"] and again["revision"] == "001"
    assert not any("offline" in json.loads(x)["by"] for x in (tmp_path / "run/001/step3_result.jsonl").open())


def test_a_key_stands_nowhere(pictures: Path, server: ScriptedServer, tmp_path: Path) -> None:
    asked(pictures, server, tmp_path / "run")
    code, told, stderr = ictc("run", pictures, "-c", "mood", "-o", tmp_path / "run", "--model",
                              f"openai:tiny@{server.url}", key="sk-canary-other")  # fmt: skip
    assert code == 4
    files = b"".join(p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.is_file())
    assert b"sk-canary" not in files and "sk-canary" not in stderr + json.dumps(told)


def test_own_names_need_no_merge(pictures: Path, server: ScriptedServer, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("red\ngreen\nblue\n")
    code, done, _ = asked(pictures, server, tmp_path / "run", "--names", names)
    assert code == 0 and [c["name"] for c in done["clusters"]] and done["acc"] == 1.0
    assert server.count == 18


def test_a_dry_run_of_a_step_asks_nothing(pictures: Path, server: ScriptedServer, tmp_path: Path) -> None:
    model, run = f"openai:tiny@{server.url}", tmp_path / "run"
    assert ictc("step1", pictures, "-c", "dominant colour", "-o", run, "--describer", model)[0] == 0
    wanted = {"step2a": 3, "step2b": 1, "step3": 3}
    for step, asks in wanted.items():
        before = server.count
        code, plan, _ = ictc(step, run, "--reasoner", model, "--dry-run", *(["-k", 3] if step == "step2b" else []))
        assert (code, server.count) == (0, before)
        assert [s["requests"]["likely"] for s in plan["steps"]] == [asks]
        assert ictc(step, run, "--reasoner", model, *(["-k", 3] if step == "step2b" else []))[0] == 0
        assert server.count - before == asks


def test_what_several_criteria_spend_is_told_apart_and_foretold(
    pictures: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    _, plan, _ = asked(pictures, server, tmp_path / "run", "-c", "what is shown", "--dry-run")
    assert [r["steps"][0]["requests"]["likely"] for r in plan["runs"]] == [12, 0]
    _, both, _ = asked(pictures, server, tmp_path / "run", "-c", "what is shown")
    first, second = (r["spent"]["requests"] for r in both["runs"])
    assert first + second == server.count
    assert second < 12


def test_the_last_step_by_another_is_no_whole_run_of_that_other(
    pictures: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    model, run = f"openai:tiny@{server.url}", tmp_path / "run"
    offline = ("run", pictures, "-c", "dominant colour", "-k", 3, "-o", run, "--no-report")
    assert ictc(*offline)[0] == 0
    code, mixed, _ = ictc("step3", run, "--reasoner", model)
    assert (code, mixed["revision"]) == (0, "002")
    before = server.count
    code, whole, _ = ictc(*offline, "--reasoner", model)
    assert (code, whole["revision"], whole["reused"]) == (0, "003", False)
    assert server.count > before
    assert ictc("step3", run, "--revision", "001", "--reasoner", model)[1]["revision"] == "002"


def test_while_the_model_is_gone_an_earlier_result_stays_whole(
    pictures: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    answer = server.respond
    server.respond = lambda body: error(401, "key revoked")
    assert asked(pictures, server, tmp_path / "run", "--fallback", "offline")[0] == 0
    before = {p.name: p.read_bytes() for p in (tmp_path / "run/001").iterdir()}
    assert asked(pictures, server, tmp_path / "run")[0] == 4
    assert {p.name: p.read_bytes() for p in (tmp_path / "run/001").iterdir()} == before
    server.respond = answer
    assert asked(pictures, server, tmp_path / "run")[1]["acc"] == 1.0


def test_a_key_is_not_sent_where_only_a_run_folder_points(pictures: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert ictc("run", pictures, "-c", "colour", "-k", 3, "-o", run, "--no-report")[0] == 0
    state = (
        (run / "run.json").read_text().replace('"reasoner": "offline"', '"reasoner": "openai:m@https://far.example/v1"')
    )
    (run / "run.json").write_text(state)
    code, told, _ = ictc("step3", run)
    assert code == 2 and "far.example" in told["error"] and "--reasoner" in told["hint"]
