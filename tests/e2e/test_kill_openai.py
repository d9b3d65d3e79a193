"""Killed at twenty random moments while it asks a server 2,000 things: the same bytes, hardly anything paid twice."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from tests.conftest import ictc, result_files
from tests.servers.answers import Body
from tests.servers.scripted import ScriptedServer

THINGS = ("cat", "truck", "guitar", "bridge", "apple")
IMAGES = 1000
REQUESTS = 2 * IMAGES + 1  # a label and an assignment each, and the merge
KILLS = 20
AT_ONCE = 16
CANARY = "sk-canary-0123456789"


class Clerk:
    """Labels, merges and assigns by the word that is in the text, and remembers which requests there were."""

    def __init__(self) -> None:
        self.distinct: set[str] = set()

    def __call__(self, body: Body) -> str:
        self.distinct.add(json.dumps(body, sort_keys=True))
        asked = body["messages"][-1]["content"]
        wanted = body["response_format"]["json_schema"]["schema"]["properties"]
        if "categories" in wanted:
            rows = json.loads(asked)["labels"]
            return json.dumps({"categories": [{"name": r["label"], "about": "", "labels": [r["id"]]} for r in rows]})
        (key,) = wanted
        return json.dumps({key: next(thing for thing in THINGS if thing in asked)})


def _captions(file: Path) -> Path:
    texts = (f"{THINGS[i % 5]} {i}" for i in range(IMAGES))
    file.write_text("".join(json.dumps({"image": f"{i}.png", "text": text}) + "\n" for i, text in enumerate(texts)))
    return file


def _words(captions: Path, server: ScriptedServer, run: Path) -> list[str]:
    asked = ["run", f"recorded:{captions}", "-c", "object", "-k", "5", "--reasoner", f"openai:any@{server.url}"]
    return [*asked, "--concurrency", str(AT_ONCE), "--no-report", "-o", str(run)]


def _start(words: list[str], said: Path) -> subprocess.Popen[bytes]:
    """What it says is added to a file."""
    with said.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "ictc", *words],
            stdout=out,
            stderr=out,
            start_new_session=True,
            env={**os.environ, "OPENAI_API_KEY": CANARY},
        )


def _replies(run: Path) -> int:
    """Answers of the model on disk."""
    if not (run / "store.sqlite").exists():
        return 0
    with sqlite3.connect(run / "store.sqlite") as db:
        try:
            values = db.execute("SELECT value FROM entries").fetchall()
        except sqlite3.OperationalError:
            return 0
    return sum(value.startswith(b'{"reply"') for (value,) in values)


def _killed_at(words: list[str], said: Path, clerk: Clerk, progress: int, pause: float) -> bool:
    """Run until so many different requests have been made, and a moment longer; whether it had to be killed."""
    process = _start(words, said)
    while process.poll() is None and len(clerk.distinct) < progress:
        time.sleep(0.002)
    time.sleep(pause)
    alive = process.poll() is None
    if alive:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(60)
    return alive


def _settled(server: ScriptedServer) -> int:
    """Requests so far, once the server has noticed that nobody listens."""
    while server.at_once:
        time.sleep(0.005)
    return server.count


def test_killed_twenty_times_it_ends_with_the_same_bytes(tmp_path: Path) -> None:
    captions, rng = _captions(tmp_path / "captions.jsonl"), random.Random(11)
    env = {"OPENAI_API_KEY": CANARY}
    run, killed, clerk, in_flight = tmp_path / "run", tmp_path / "killed.log", Clerk(), []
    with ScriptedServer(clerk, latency=0.01, keep=False) as server:
        calm = ictc(*_words(captions, server, tmp_path / "calm"), **env)
        assert calm.returncode == 0, calm.stderr
        assert server.count == REQUESTS
        clerk.distinct.clear()
        words = _words(captions, server, run)
        for progress in sorted(rng.sample(range(1, REQUESTS - 2 * AT_ONCE), KILLS)):
            sent, stored = server.count, _replies(run)
            assert _killed_at(words, killed, clerk, progress, rng.uniform(0, 0.01)), killed.read_text()
            in_flight.append(_settled(server) - sent - (_replies(run) - stored))
        final = ictc(*words, **env)
        assert final.returncode == 0, final.stderr
        more = server.count - 2 * REQUESTS
        again = ictc(*words, **env)
        assert server.count - 2 * REQUESTS == more, "done is done"

    assert result_files(run / "001") == result_files(tmp_path / "calm" / "001")
    assert len(clerk.distinct) == REQUESTS
    assert _replies(run) == REQUESTS
    assert all(0 <= n <= AT_ONCE for n in in_flight), in_flight
    assert 0 < more <= sum(in_flight), (more, in_flight)
    said = killed.read_text() + "".join(done.stdout + done.stderr for done in (calm, final, again))
    assert "Traceback" not in said and "Warning" not in said
    assert CANARY not in said
    assert _holding(tmp_path, CANARY) == []


def _holding(folder: Path, text: str) -> list[Path]:
    """Files in which `text` stands."""
    return [f for f in folder.rglob("*") if f.is_file() and text.encode() in f.read_bytes()]
