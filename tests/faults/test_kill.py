"""Killed at any moment and started again: the same bytes, and nothing computed twice."""

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

import pytest

from tests.conftest import TEXTS, THREADS, ictc, result_files, write_coloured


def _start(*words: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ictc", *map(str, words)]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True, env={**os.environ, **THREADS})


def _stored(run: Path) -> dict[str, int]:
    """Row number per key: an entry that is written again gets another one."""
    if not (run / "store.sqlite").exists():
        return {}
    with sqlite3.connect(run / "store.sqlite") as db:
        try:
            return dict(db.execute("SELECT key, rowid FROM entries"))
        except sqlite3.OperationalError:
            return {}


def _many_captions(file: Path, n: int) -> Path:
    kinds = list(TEXTS)
    rows = [
        {"image": f"{i}_{kinds[i % 3]}.png", "text": f"{TEXTS[kinds[i % 3]][i % 3]} Seen at stand {i} of {n * 7}."}
        for i in range(n)
    ]
    file.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return file


def _with_poison(folder: Path) -> Path:
    """Among the good images some that fail, which are never stored and so are tried again by every run."""
    for name in ("blue/blue-1a.png", "green/green-3.png", "red/zzz.png"):
        (folder / name).write_bytes(b"\x89PNG no more")
    return folder


@pytest.mark.parametrize("lane", ["images", "descriptions"])
def test_killed_again_and_again_it_ends_with_the_same_bytes(tmp_path: Path, lane: str) -> None:
    if lane == "images":
        source, criterion = (
            str(_with_poison(write_coloured(tmp_path / "in", each=60, size=200))),
            "what kind of thing is shown",
        )
    else:
        source, criterion = f"recorded:{_many_captions(tmp_path / 'd.jsonl', 1200)}", "object"
    words = ("run", source, "-c", criterion, "-k", 3, "--no-report", "-o")
    undisturbed = ictc(*words, tmp_path / "calm", **THREADS)
    ok = 3 if lane == "images" else 0
    assert undisturbed.returncode == ok, undisturbed.stderr
    run, rng, kills = tmp_path / "killed", random.Random(5), 0
    for grown_by in (0, 1, 40, 1, 90):  # the first is killed before anything is stored, at a random moment
        before = _stored(run)
        process = _start(*words, run)
        if not grown_by:
            time.sleep(rng.uniform(0.3, 3))
        while process.poll() is None and len(_stored(run)) < len(before) + grown_by:
            time.sleep(rng.uniform(0, 0.05))
        kills += process.poll() is None
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)
        assert before.items() <= _stored(run).items(), "what was stored is neither lost nor written again"
    assert kills >= 3
    final = ictc(*words, run, **THREADS)
    assert final.returncode == ok, final.stderr
    assert result_files(run / "001") == result_files(tmp_path / "calm" / "001")
    assert _stored(run).keys() == _stored(tmp_path / "calm").keys()


def test_interrupted_it_says_how_to_go_on(tmp_path: Path) -> None:
    source = write_coloured(tmp_path / "in", each=100, size=300)
    command = [
        sys.executable,
        "-m",
        "ictc",
        "run",
        str(source),
        "-c",
        "dominant colour",
        "-k",
        "3",
        "-o",
        str(tmp_path / "r"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not _stored(tmp_path / "r"):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "go on with:" in err
    assert "dominant colour" in err
    assert "Traceback" not in err
