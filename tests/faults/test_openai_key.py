"""The key is in nothing that is written, printed, raised or shown, also when the server repeats it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ictc.modeloptions import ModelOptions
from ictc.models.openai import create
from ictc.types import Failure, Reply, Request
from tests.servers import answers as say
from tests.servers.scripted import ScriptedServer

CANARY = "sk-canary-0123456789"

_PROGRAM = """
import sys, pathlib
from ictc.asking import StoredModel
from ictc.modeloptions import ModelOptions
from ictc.registry import model
from ictc.store import Store
from ictc.types import Request
made = model(sys.argv[1], ModelOptions(retries=1, batch=len(sys.argv) > 3))
print(repr(made), vars(made), made.fingerprint)
with Store(pathlib.Path(sys.argv[2]) / "store.sqlite") as store:
    answers = list(StoredModel(made, store).generate([Request("label", "a"), Request("label", "b")]))
print(answers)
raise RuntimeError(made, answers)
"""


@pytest.mark.parametrize(("fault", "batch"), [(401, False), ("dropped", False), (401, True), (400, True)])
def test_no_key_anywhere(tmp_path: Path, fault: int | str, batch: bool) -> None:
    said = {"dropped": say.DROPPED}
    answer = said.get(str(fault)) or say.error(int(fault), f"Incorrect API key provided: {CANARY}.")
    with ScriptedServer(lambda _: answer, key="another" if fault == 401 else None) as server:
        if fault == 401:
            server.unauthorized = answer
        command = [sys.executable, "-c", _PROGRAM, f"openai:m@{server.url}", str(tmp_path), *["batch"] * batch]
        environ = {**os.environ, "OPENAI_API_KEY": CANARY, "OPENAI_LOG": "debug"}
        done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False, timeout=60)
        assert CANARY in server.keys_seen, "it was sent to the server"
    assert "Traceback" in done.stderr
    assert CANARY not in done.stdout + done.stderr
    for file in tmp_path.rglob("*"):
        assert CANARY.encode() not in file.read_bytes()


def test_a_model_that_says_the_key_is_not_quoted(tmp_path: Path) -> None:
    with ScriptedServer(respond=lambda _: f"{CANARY} is the key") as server:
        command = [sys.executable, "-c", _PROGRAM, f"openai:m@{server.url}", str(tmp_path)]
        environ = {**os.environ, "OPENAI_API_KEY": CANARY}
        done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False, timeout=60)
    assert "*** is the key" in done.stdout
    assert CANARY not in done.stdout + done.stderr
    for file in tmp_path.rglob("*"):
        assert CANARY.encode() not in file.read_bytes()


@pytest.mark.parametrize("key", ["", "klíč-canary", "can\nary"])
def test_without_a_usable_key_openai_itself_is_not_asked(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    [(_, told)] = create("gpt-4o", ModelOptions()).generate([Request("assign", "hello")])
    assert isinstance(told, Failure)
    assert (told.code, told.stage) == ("unauthorized", "assign")
    assert "OPENAI_API_KEY" in told.message
    assert "can" not in told.message.replace("characters", "")


def test_a_local_server_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with ScriptedServer() as server:
        [(_, answer)] = create(f"m@{server.url}", ModelOptions()).generate([Request("label", "hello")])
    assert isinstance(answer, Reply)
