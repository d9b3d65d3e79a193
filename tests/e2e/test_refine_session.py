"""The refining session on a real pseudo-terminal, with a language model over HTTP, and without one."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import TEXTS, invoke
from tests.pseudoterminal import Terminal
from tests.servers.answers import Body
from tests.servers.scripted import ScriptedServer
from tests.servers.thinking import thinking

PROMPT = r"\d{3}> $"


def kind(text: str) -> str:
    return next((k for k in TEXTS if k in text.casefold()), "nothing")


@pytest.fixture
def offline(captions: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    assert invoke("run", f"recorded:{captions}", "-c", "object", "-k", 3, "-o", folder, "--no-report").exit_code == 0
    return folder


def clusters(run: Path, revision: str) -> dict[str, str | None]:
    rows = (run / revision / "step3_result.jsonl").read_text().splitlines()
    return {row["image"]: row["cluster"] for row in map(json.loads, rows)}


def test_look_change_look_again(offline: Path) -> None:
    with Terminal("refine", offline, env={"NO_COLOR": "1"}) as t:
        shown = t.until(PROMPT)
        assert all(kind in shown for kind in TEXTS) and "12" in shown and "33%" in shown
        t.type("?")
        assert "merge A+B=C" in t.until(PROMPT)
        t.type("rename cat=felines")
        assert "cat → felines" in t.until(PROMPT)
        t.type("move 1_truck.png=felines")
        assert "1 image moved" in t.until(PROMPT)
        t.type("why 1_truck.png")
        why = t.until(PROMPT)
        assert "moved by hand from “truck”" in why and "truck" in why.split("description:")[1]
        t.type("show felines")
        assert "13 images" in t.until(PROMPT)
        t.type("rename truk=lorry")
        assert "Did you mean “truck”" in t.until(PROMPT)
        t.type("merge #1+#2=things")
        assert "→ things" in t.until(PROMPT)
        t.type("undo")
        assert "felines" in t.until(PROMPT)
        t.type("diff 001")
        assert "renamed" in t.until(PROMPT)
        t.type("nonsense")
        assert "no command" in t.until(PROMPT)
        t.type("s")
        t.until(PROMPT)
        t.type("accept")
        page = t.until(r"is accepted; report: \S+\s").split()[-1]
        assert Path(page).exists() and t.ends() == 0
        assert not re.search(r"\x1b\[(\d+;)*(3[0-8]|9[0-7])(;\d+)*m", t.raw), "NO_COLOR"
    assert clusters(offline, "003")["1_truck.png"] == "felines"
    entries = json.loads((offline / "run.json").read_text())["revisions"]
    assert entries["003"]["accepted"]
    assert set(entries) == {"001", "002", "003", "004"}


def test_ctrl_c_leaves_the_line_and_ctrl_d_the_session(offline: Path) -> None:
    with Terminal("refine", offline) as t:
        t.until(PROMPT)
        t.press(b"rename cat=do")
        time.sleep(0.2)
        t.press(b"\x03")
        t.until(PROMPT)
        t.type("rename cat=felines")
        assert "felines" in t.until(PROMPT)
        t.press(b"\x04")
        assert t.ends() == 0
    assert "felines" in clusters(offline, "002").values()


@pytest.fixture
def asked(captions: Path, tmp_path: Path) -> Iterator[tuple[Path, ScriptedServer]]:
    rules = thinking(kind)

    def respond(body: Body) -> str:
        if "merges" in json.dumps(body.get("response_format", {})):
            names = [c["name"] for c in json.loads(body["messages"][-1]["content"])["clusters"]]
            merge = {"clusters": names[:2], "name": "both of them", "reason": "They are one kind."}
            odd = {"clusters": ["nobody", names[0]], "name": "x", "reason": "?"}
            said = {"merges": [merge, odd], "splits": [], "renames": [], "criterion": {"text": "", "reason": ""}}
            return json.dumps({**said, "k": {"number": 0, "reason": ""}})
        return rules(body)

    with ScriptedServer(respond) as server:
        folder = tmp_path / "run"
        words = ["-c", "object", "-k", 3, "-o", folder, "--no-report", "--reasoner", f"openai:any@{server.url}"]
        assert invoke("run", f"recorded:{captions}", *words).exit_code == 0
        yield folder, server


def test_suggestions_of_a_model_are_accepted_or_not(asked: tuple[Path, ScriptedServer]) -> None:
    run, server = asked
    before = server.count
    with Terminal("refine", run) as t:
        t.until(PROMPT)
        t.type("s")
        shown = t.until(r"\[y/n/q\]: ")
        assert "both of them" in shown and "They are one kind." in shown and "nobody" not in shown
        for leave in (b"n\n", b"q\n", b"\x03", b"\x04"):
            time.sleep(0.3)  # until the line editor waits
            t.press(leave)
            t.until(PROMPT)
            t.type("s")
            t.until(r"\[y/n/q\]: ")
        t.press(b"\n")
        t.until(PROMPT)
        t.type("s")
        t.until(r"\[y/n/q\]: ")
        t.type("y")
        assert "→ both of them" in t.until(PROMPT)
        t.type("q")
        assert t.ends() == 0
    assert server.count == before + 1, "the same question is not asked twice, and a merge asks nothing"
    assert "both of them" in clusters(run, "002").values()


def test_what_costs_is_asked_for_and_ctrl_c_ends_the_action_alone(asked: tuple[Path, ScriptedServer]) -> None:
    run, server = asked
    before = server.count
    with Terminal("refine", run, "--price", "10,10") as t:
        t.until(PROMPT)
        t.type("drop #1")
        assert "requests" in t.until(r"\[y/N\]: ")
        t.type("n")
        assert "Nothing was changed" in t.until(PROMPT)
        assert server.count == before
        t.type("drop #1")
        t.until(r"\[y/N\]: ")
        server.latency = 30
        t.type("y")
        while server.count == before:
            time.sleep(0.05)
        t.press(b"\x03")
        t.until("waited for")
        t.press(b"\x03")
        assert "Stopped" in t.until(PROMPT)
        server.latency = 0
        t.type("rename #1=first of them")
        assert "first of them" in t.until(PROMPT)
        t.type("drop #1")
        t.until(r"\[y/N\]: ")
        t.type("y")
        t.until(PROMPT)
        t.type("q")
        assert t.ends() == 0
    assert "first of them" in clusters(run, "002").values() and "first of them" not in clusters(run, "003").values()


def test_suggestions_without_a_terminal(offline: Path, asked: tuple[Path, ScriptedServer]) -> None:
    told = json.loads(invoke("refine", asked[0], "--suggest", "--json").stdout)
    assert told["by"].startswith("openai:") and told["suggestions"][0]["options"][0] == "--merge"
    assert json.loads(invoke("refine", asked[0], *told["suggestions"][0]["options"], "--json").stdout)["k"] == 2
    assert invoke("refine", asked[0]).exit_code == 2, "nobody is there for a session"
