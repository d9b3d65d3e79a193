"""`ictc update` with a model behind a real HTTP server: what is asked, and that nothing is asked or paid twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ictc, invoke, result_files
from tests.servers.answers import Body, Scripted, error
from tests.servers.scripted import ScriptedServer
from tests.servers.thinking import thinking

COLOURS = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220)}
KINDS = ("cat", "truck", "guitar", "apple")
ENV = {"OPENAI_API_KEY": "sk-test"}


def look(image: Image.Image) -> str:
    """Says the colour, and how bright it is in all, so that no two pictures are described alike."""
    pixels = np.asarray(image.convert("RGB")).astype(int)
    mean = pixels.reshape(-1, 3).mean(axis=0)
    colour = min(COLOURS, key=lambda c: float(np.abs(mean - COLOURS[c]).sum()))
    return f"A field that is {colour}, of brightness {pixels.sum()}."


def tell(text: str) -> str:
    return next((c for c in (*COLOURS, *KINDS) if c in text), "thing")


def picture(file: Path, colour: str, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(-15, 15, (24, 32, 3))
    Image.fromarray(np.clip(np.asarray(COLOURS[colour]) + noise, 0, 255).astype(np.uint8)).save(file)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(thinking(tell, look)) as started:
        yield started


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    for i, colour in enumerate([*COLOURS] * 4):
        picture(tmp_path / "pictures" / f"{i}_{colour}.png", colour, i)
    return tmp_path / "pictures"


def told(*words: object, code: int = 0) -> dict[str, Any]:
    done = invoke(*words, "--json", env=ENV)
    assert done.exit_code == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def update(run: Path, *words: object, code: int = 0) -> dict[str, Any]:
    return told("update", run, *words, "--no-report", code=code)


def started(pictures: Path, server: ScriptedServer, run: Path) -> Path:
    told("run", pictures, "-c", "dominant colour", "-k", 3, "-o", run, "--no-report", "--model",
         f"openai:tiny@{server.url}")  # fmt: skip
    server.bodies.clear()
    return run


def rows(run: Path, revision: str) -> dict[str, dict[str, Any]]:
    return {r["image"]: r for r in map(json.loads, (run / revision / "step3_result.jsonl").read_text().splitlines())}


def grown(pictures: Path) -> Path:
    """Three new pictures, one that is another now, one by another name, one gone."""
    for i, colour in enumerate(COLOURS):
        picture(pictures / f"new_{colour}.png", colour, 100 + i)
    picture(pictures / "0_red.png", "blue", 200)
    (pictures / "1_green.png").rename(pictures / "other.png")
    (pictures / "2_blue.png").unlink()
    return pictures


def test_only_new_images_are_asked_about(pictures: Path, server: ScriptedServer, tmp_path: Path) -> None:
    run, before = started(pictures, server, tmp_path / "run"), server.count
    grown(pictures)
    plan = update(run, "--dry-run")
    assert server.count == before and plan["requests"]["likely"] == 12
    assert plan["changes"]["new"] == 3 and not (run / "002").exists()
    found = update(run)
    counts = {k: n for k, n in found["update"]["changes"].items() if k != "images" and n}
    assert counts == {"new": 3, "changed": 1, "renamed": 1, "removed": 1, "unchanged": 9}
    assert server.count - before == 4 * 3, "a look, a label and an assignment each"
    assert len([b for b in server.bodies if isinstance(b["messages"][-1]["content"], list)]) == 4
    first, second = rows(run, "001"), rows(run, "002")
    assert {i: r["cluster"] for i, r in second.items() if i.startswith("new")} == {f"new_{c}.png": c for c in COLOURS}
    assert second["0_red.png"]["cluster"] == "blue"
    assert second["other.png"] == {**first["1_green.png"], "image": "other.png"}
    assert update(run)["update"]["nothing"] and server.count - before == 12
    picture(pictures / "late.png", "green", 300)
    assert update(run)["revision"] == "003" and server.count - before == 15


def test_a_budget_stops_and_the_same_command_goes_on(pictures: Path, server: ScriptedServer, tmp_path: Path) -> None:
    run, before = started(pictures, server, tmp_path / "run"), server.count
    grown(pictures)
    assert "--max-calls" in update(run, "--max-calls", 5, code=5)["hint"]
    assert server.count - before == 5
    assert told("show", run)["revision"] == "001", "the finished one is shown"
    assert update(run, "--dry-run")["requests"]["likely"] == 7
    assert update(run)["revision"] == "002" and server.count - before == 12


def test_what_failed_for_a_passing_reason_is_asked_again_in_place(
    pictures: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    run, answer = started(pictures, server, tmp_path / "run"), server.respond
    grown(pictures)

    def flaky(body: Body) -> Any:
        return error(503, "busy") if "brightness" in str(body["messages"][-1]["content"]) else answer(body)

    server.respond = flaky
    found = update(run, "--retries", 0, code=4)
    assert found["update"]["failed"] == 4 and found["revision"] == "002"
    server.respond, before = answer, server.count
    again = update(run)
    assert again["revision"] == "002" and again["failed"] == 0 and server.count - before == 8, "labels and assignments"
    assert {i for i in rows(run, "002") if i.startswith("new")} == {f"new_{c}.png" for c in COLOURS}
    assert update(run)["update"]["nothing"]


def test_what_failed_in_the_run_is_tried_with_the_new_ones(
    pictures: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    run, answer, failing = tmp_path / "run", server.respond, {"left": 2}

    def flaky(body: Body) -> Any:
        if isinstance(body["messages"][-1]["content"], list) and failing["left"]:
            failing["left"] -= 1
            return error(503, "busy")
        return answer(body)

    server.respond = flaky
    told("run", pictures, "-c", "dominant colour", "-k", 3, "-o", run, "--retries", 0, "--no-report", "--model",
         f"openai:tiny@{server.url}", code=3)  # fmt: skip
    before = server.count
    same = invoke("update", run, env=ENV)
    assert same.exit_code == 0 and "Nothing to do" in same.stdout and "2 images failed before" in same.stderr
    assert f"ictc run {pictures}" in same.stderr.replace("\n", " ") and server.count == before
    picture(pictures / "new.png", "red", 100)
    found = update(run)
    assert found["failed"] == 0 and found["assigned"] == 13 and len(found["update"]["again"]) == 2
    assert server.count - before == 9


def test_a_model_that_is_gone_and_the_offline_lane(pictures: Path, server: ScriptedServer, tmp_path: Path) -> None:
    run, answer = started(pictures, server, tmp_path / "run"), server.respond
    grown(pictures)
    gone_at = server.count + 8

    def dies(body: Body) -> Any:
        return answer(body) if server.count <= gone_at else error(401, "key revoked")

    server.respond = dies
    assert "--fallback" in update(run, "--concurrency", 1, code=4)["hint"]
    assert told("show", run)["revision"] == "001"
    found = update(run, "--concurrency", 1, "--fallback", "offline")
    after = rows(run, "002")
    assert all("unauthorized" in after[f"new_{c}.png"]["by"] and after[f"new_{c}.png"]["cluster"] == c for c in COLOURS)
    assert any("done without the model" in note for note in found["notes"])
    server.respond, before = answer, server.count
    again = update(run)
    assert again["revision"] == "002" and server.count - before == 4
    assert all(r["by"].startswith("openai:") for r in rows(run, "002").values())


def scene(i: int, kind: str) -> dict[str, str]:
    scenes = ("A {} near a window.", "The image shows a {} at stand {i}.", "There is a large {} by a wall.")
    return {"image": f"{i}_{kind}.png", "text": f"{scenes[i % 3].format(kind, i=i)} It is number {i}."}


def captions(file: Path, numbers: range) -> str:
    made = [scene(i, KINDS[(i * 7 + i // 9) % 4]) for i in numbers]
    file.write_text("".join(json.dumps(r) + "\n" for r in made))
    return f"recorded:{file}"


def test_a_cascade_asks_about_the_uncertain_new_ones_alone(server: ScriptedServer, tmp_path: Path) -> None:
    run, model = tmp_path / "run", f"openai:tiny@{server.url}"
    told("run", captions(tmp_path / "d.jsonl", range(200)), "-c", "object", "-k", 4, "--reasoner", model, "--cascade",
         "--no-report", "-o", run)  # fmt: skip
    before, file = server.count, captions(tmp_path / "n.jsonl", range(320))
    server.bodies.clear()
    plan = update(run, file, "--dry-run")
    found = update(run, file)
    cascade, asked = found["update"]["cascade"], server.count - before
    assert 0 < asked <= 12 == plan["requests"]["high"], "5 % of two requests for each of 120"
    assert cascade["images"] == 120 and cascade["asked"] == asked
    texts = {scene(i, KINDS[(i * 7 + i // 9) % 4])["text"] for i in range(200, 320)}
    assert all(any(t in str(b["messages"][-1]["content"]) for t in texts) for b in server.bodies)
    by = [r["by"] for i, r in rows(run, "002").items() if int(i.split("_")[0]) >= 200]
    assert by.count(model) == asked and by.count("offline") == 120 - asked
    right = [r["cluster"] in i for i, r in rows(run, "002").items()]
    assert sum(right) / len(right) > 0.95
    whole = update(run, "--revision", "001", file, "--no-cascade")
    assert whole["revision"] == "003" and {r["by"] for i, r in rows(run, "003").items()
                                          if int(i.split("_")[0]) >= 200} == {model}  # fmt: skip


class Clerk:
    """Answers as `thinking` does, and remembers which requests there were."""

    def __init__(self) -> None:
        self.distinct: set[str] = set()
        self._think = thinking(tell)

    def __call__(self, body: Body) -> str | Scripted:
        self.distinct.add(json.dumps(body, sort_keys=True))
        return self._think(body)


def test_killed_again_and_again_it_ends_with_the_same_bytes(tmp_path: Path) -> None:
    old, draw, clerk, at_once = range(60), random.Random(7), Clerk(), 8
    file = captions(tmp_path / "d.jsonl", old)
    with ScriptedServer(clerk, latency=0.01, keep=False) as server:
        for run in ("calm", "killed"):
            words = ["run", file, "-c", "object", "-k", "4", "--reasoner", f"openai:tiny@{server.url}"]
            told(*words, "-o", tmp_path / run, "--no-report")
        captions(tmp_path / "d.jsonl", range(20, 260))
        command = ["--concurrency", str(at_once), "--no-report"]
        calm = ictc("update", tmp_path / "calm", *command, **ENV)
        assert calm.returncode == 0, calm.stderr
        clerk.distinct.clear()
        sent, kills = server.count, 0
        for progress in sorted(draw.sample(range(1, 380), 3)):
            process = subprocess.Popen(
                [sys.executable, "-m", "ictc", "update", str(tmp_path / "killed"), *command],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                env={**os.environ, **ENV},
            )  # fmt: skip
            while process.poll() is None and len(clerk.distinct) < progress:
                time.sleep(0.002)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                kills += 1
            process.wait(60)
        final = ictc("update", tmp_path / "killed", *command, **ENV)
        assert final.returncode == 0, final.stderr
        assert kills >= 2 and len(clerk.distinct) == 2 * 200, "a label and an assignment for each new one"
        assert server.count - sent <= 2 * 200 + kills * at_once
        assert "Nothing to do" in ictc("update", tmp_path / "killed", *command, **ENV).stdout
    assert result_files(tmp_path / "killed/002") == result_files(tmp_path / "calm/002")
    assert (tmp_path / "killed/002/update.json").read_bytes() == (tmp_path / "calm/002/update.json").read_bytes()
    assert not (tmp_path / "killed/003").exists()
