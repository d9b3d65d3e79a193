"""Ctrl-C while requests are under way: at once, quietly, connections closed, what was answered kept."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ictc.store import Store
from tests.servers import answers as say
from tests.servers.scripted import ScriptedServer

_PROGRAM = """
import sys, pathlib
from ictc.asking import StoredModel
from ictc.modeloptions import ModelOptions
from ictc.registry import model
from ictc.store import Store
from ictc.types import Request
made = model(sys.argv[1], ModelOptions(concurrency=8))
with Store(pathlib.Path(sys.argv[2])) as store:
    try:
        for _ in StoredModel(made, store).generate(Request("label", str(i)) for i in range(1000)):
            pass
    except KeyboardInterrupt:
        print("interrupted")
        sys.exit(130)
"""


@pytest.mark.parametrize("answered", [0, 20])
def test_interrupted_while_it_waits(tmp_path: Path, answered: int) -> None:
    with ScriptedServer(lambda _: say.hang()) as server:
        server.then(*["ok"] * answered)
        command = [sys.executable, "-c", _PROGRAM, f"openai:m@{server.url}", str(tmp_path / "s.sqlite")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 30
        while server.count < answered + 8 and time.monotonic() < end:
            time.sleep(0.02)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out, err) == (130, "interrupted\n", "")
        assert time.monotonic() - start < 5
        while server.at_once and time.monotonic() < end:
            time.sleep(0.02)
        assert server.at_once == 0
    with Store(tmp_path / "s.sqlite") as store:
        [(kept,)] = store._db.execute("SELECT count(*) FROM entries")
    assert kept == answered
