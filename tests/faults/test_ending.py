"""Ctrl-C and a reader that goes away: quiet, quick, one JSON object where one is promised, no answer paid in vain."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.test_kill import _many_captions
from tests.servers.scripted import ScriptedServer

LABEL = '{"label": "thing"}'


def start(*words: object, **streams: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ictc", *map(str, words)]
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    return subprocess.Popen(command, text=True, **piped)  # type: ignore[call-overload, no-any-return]


def wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not what() and time.monotonic() < end:
        time.sleep(0.01)
    assert what()


def stored_replies(run: Path) -> int:
    with sqlite3.connect(run / "store.sqlite") as db:
        [(n,)] = db.execute("SELECT count(*) FROM entries WHERE key LIKE 'reply/%'")
    return int(n)


def asking(server: ScriptedServer, tmp_path: Path) -> subprocess.Popen[str]:
    captions = _many_captions(tmp_path / "c.jsonl", 200)
    model = f"openai:m@{server.url}"
    process = start(
        "run", f"recorded:{captions}", "-c", "object", "-k", 3, "-o", tmp_path / "run", "--reasoner", model,
        "--concurrency", 8, "--json",
    )  # fmt: skip
    wait_for(lambda: server.at_once == 8)
    return process


def test_answers_under_way_are_taken_and_nothing_more_is_asked(tmp_path: Path) -> None:
    with ScriptedServer(lambda _: LABEL, latency=0.7) as server:
        process = asking(server, tmp_path)
        wait_for(lambda: server.count >= 16)
        asked = server.count
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert process.returncode == 130 and "Traceback" not in err and "go on with:\n  ictc run" in err
        told = json.loads(out)
        assert told["error"] == "Interrupted." and told["exit"] == 130 and "ictc run recorded:" in told["hint"]
        assert server.count <= asked + 8, "those that were drawn when it came, and none after"
        assert (server.dropped_by_client, stored_replies(tmp_path / "run")) == (0, server.count)
    [spent] = [r["spent"] for r in json.loads((tmp_path / "run" / "run.json").read_text())["revisions"].values()]
    assert spent["requests"] == server.count


def test_the_second_ends_at_once(tmp_path: Path) -> None:
    with ScriptedServer(lambda _: LABEL, latency=60) as server:
        process = asking(server, tmp_path)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        said = iter(process.stderr.readline, "")
        assert any("Ctrl-C again" in line for line in said)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
        assert time.monotonic() - begun < 9, "it waited for answers all the same"
        assert process.returncode == 130 and json.loads(out)["exit"] == 130
        wait_for(lambda: server.at_once == 0)


LOADING = """
import os, signal, sys

module = sys.argv.pop(1)

class Finder:
    def find_spec(name, path=None, target=None):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder)
from ictc.cli import main
main()
"""


@pytest.mark.parametrize("module", ["typer", "ictc.cli.commands.show", "ictc.job", "ictc.models.openai.asker"])
def test_while_a_module_is_loaded(tmp_path: Path, module: str) -> None:
    words = ["run", f"recorded:{tmp_path / 'none'}", "-c", "object", "-k", "3", "-o", str(tmp_path / "run"), "--json"]
    done = subprocess.run(
        [sys.executable, "-c", LOADING, module, *words], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 130 and "Traceback" not in done.stderr and "go on with" in done.stderr
    assert json.loads(done.stdout)["error"] == "Interrupted."


@pytest.mark.parametrize(
    "words",
    [("prompts", "show"), ("prompts", "show", "--json"), ("--help",), ("--version",), ("show", "none", "--json")],
)
def test_a_reader_that_went_away_is_no_error(words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = start(*words, stdout=writing)
    os.close(writing)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (141, "")


def test_closed_output_is_no_error(tmp_path: Path) -> None:
    shell = f'"{sys.executable}" -m ictc prompts show >&-'
    done = subprocess.run(["sh", "-c", shell], stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
