"""A refinement that is killed: the same command again ends with the same result, and nothing is paid twice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ictc.outputs import reopen
from ictc.steering.corrections import Change, Drop, Merge, Pin
from ictc.steering.job import refine
from ictc.steering.work import Refinement
from tests.conftest import TEXTS, invoke, result_files
from tests.servers.scripted import ScriptedServer
from tests.servers.thinking import thinking

CHANGES: tuple[Change, ...] = (Pin("guitar"), Merge(("cat", "truck"), "both"), Drop("both"))


class Killed(BaseException):
    """Stands for the end of the process: nothing handles it."""


def test_at_every_file_that_is_written(captions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    assert invoke("run", f"recorded:{captions}", "-c", "object", "-k", 3, "-o", run, "--no-report").exit_code == 0
    writes, real = [0], os.replace

    def counted(*args: object, **more: object) -> None:
        writes[0] += 1
        if writes[0] == dies_at:
            raise Killed
        real(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "replace", counted)
    dies_at, copy = 0, tmp_path / "copy"
    shutil.copytree(run, tmp_path / "whole")
    refine(Refinement(tmp_path / "whole", CHANGES))
    wanted, n = result_files(tmp_path / "whole/002"), writes[0]
    assert n > 10
    for dies_at in range(1, n + 1):
        shutil.copytree(run, copy)
        writes[0] = 0
        with pytest.raises(Killed):
            refine(Refinement(copy, CHANGES))
        assert reopen(copy).revision.id in ("001", "002"), "a result can be shown at any time"
        writes[0] = -1000
        done = refine(Refinement(copy, CHANGES)).done
        assert (done.revision.id, result_files(copy / "002")) == ("002", wanted), dies_at
        assert done.folder.revision_ids == ["001", "002"] and reopen(copy).revision.id == "002"
        assert refine(Refinement(copy, CHANGES)).done.reused
        shutil.rmtree(copy)


def kind(text: str) -> str:
    return next((k for k in TEXTS if k in text.casefold()), "nothing")


def test_while_a_model_is_asked(captions: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with ScriptedServer(thinking(kind)) as server:
        words = ["-c", "object", "-k", 3, "-o", run, "--no-report", "--reasoner", f"openai:any@{server.url}"]
        assert invoke("run", f"recorded:{captions}", *words).exit_code == 0
        before, server.latency = server.count, 0.3
        command = [sys.executable, "-m", "ictc", "refine", str(run), "--drop", "cat", "--concurrency", "2", "--json"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        while server.count < before + 5:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (run / "002").exists() and reopen(run).revision.id == "001"
        server.latency = 0
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        told = json.loads(done.stdout)
        assert told["revision"] == "002" and done.returncode in (0, 3), done.stderr
        distinct = {json.dumps(b["messages"]) for b in server.bodies[before:]}
        assert len(server.bodies[before:]) <= len(distinct) + 2, "only those in flight are paid twice"
