"""`ictc serve` as a program: every action's round trip on a real run, the run of another process, Ctrl-C."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ictc.runfolder import RunFolder
from tests.conftest import TEXTS, ictc, invoke, write_coloured
from tests.servers.answers import Body
from tests.servers.scripted import ScriptedServer
from tests.servers.thinking import thinking
from tests.serving import Here, Served, Talking, small_run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(tmp_path_factory.mktemp("serve"))


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "run"))


@pytest.fixture
def served(run: Path) -> Iterator[Here]:
    with Here(run) as one:
        yield one


@pytest.fixture
def started(run: Path) -> Iterator[Served]:
    with Served(run) as one:
        yield one


def numbers(served: Talking) -> dict[str, int]:
    """The page's number of each image."""
    page = served.client.get("/").text
    told = page.partition('id="data-images-')[2].partition(">")[2].partition("</script>")[0]
    return {name: i for i, name in enumerate(json.loads(told)["names"].split("\n"))}


def test_every_correction_goes_there_and_back(served: Here, run: Path) -> None:
    first = served.names()
    assert set(first.values()) == {4} and len(first) == 3
    a, b, c = first
    renamed = served.change({"do": "rename", "cluster": a, "name": "one <b>&"})
    assert {x["name"]: x["size"] for x in renamed["clusters"]} == {"one <b>&": 4, b: 4, c: 4}
    merged = served.change({"do": "merge", "clusters": ["one <b>&", b], "name": "both"})
    assert {x["name"]: x["size"] for x in merged["clusters"]} == {"both": 8, c: 4}
    assert [x["number"] for x in merged["clusters"]] == [1, 2]
    pinned = served.change({"do": "pin", "cluster": c})
    assert [x["pinned"] for x in pinned["clusters"]] == [False, True]
    split = served.change({"do": "split", "cluster": "both"})
    assert len(split["clusters"]) == 3 and served.names()[c] == 4
    added = served.change({"do": "add", "name": "zebra", "about": "striped animals"})
    assert "zebra" in {x["name"] for x in added["clusters"]}
    dropped = served.change({"do": "drop", "cluster": "zebra"})
    assert "zebra" not in {x["name"] for x in dropped["clusters"]}
    image = next(iter(numbers(served)))
    moved = served.change({"do": "move", "images": [numbers(served)[image]], "cluster": c})
    rows = [json.loads(line) for line in (run / moved["id"] / "step3_result.jsonl").read_text().splitlines()]
    assert {r["image"]: r["cluster"] for r in rows}[image] == c
    assert served.ready()["current"] == moved["id"]
    assert served.put("undo", {})["result"]["revision"] == dropped["id"]
    assert served.ready()["current"] == dropped["id"]
    assert served.put("accept", {"revision": "001"})["state"] == "done"
    assert served.ready()["revisions"][0] == {"id": "001", "accepted": True}
    assert served.names() == first


def test_another_k_and_another_criterion(served: Here) -> None:
    fewer = served.change({"do": "anew", "k": 2})
    assert len(fewer["clusters"]) == 2 and fewer["k"] == 2
    reworded = served.change({"do": "anew", "k": 2, "criterion": " brightness "})
    assert reworded["criterion"] == "brightness" and len(reworded["clusters"]) == 2
    assert "brightness" in served.client.get("/").text


def test_a_change_starts_from_the_revision_that_is_shown(served: Here, run: Path) -> None:
    a, b, _ = served.names()
    served.change({"do": "rename", "cluster": a, "name": "later"})
    side = served.change({"do": "rename", "cluster": b, "name": "aside"}, revision="001")
    assert {x["name"] for x in side["clusters"]} >= {a, "aside"}
    assert RunFolder(run).entry(side["id"])["refined"]["of"] == "001"


def test_the_page_is_the_runs_report_and_shows_the_change(served: Here, run: Path) -> None:
    a, *_ = served.names()
    before = served.client.get("/").text
    served.change({"do": "rename", "cluster": a, "name": "vermilion"})
    after = served.client.get("/").text
    assert "vermilion" not in before and "vermilion" in after
    assert "vermilion" in (run / "report.html").read_text() and "serve.js" not in (run / "report.html").read_text()


def test_a_page_of_another_ictc_is_made_anew(run: Path) -> None:
    """Its script would not be let run."""
    assert invoke("report", run).exit_code == 0
    page = (run / "report.html").read_text()
    digest = page.partition("script-src '")[2].partition("'")[0]
    (run / "report.html").write_text(page.replace(digest, "sha256-older").replace("All images", "Older images"))
    with Here(run) as served:
        served.ready()
        assert digest in served.client.get("/").headers["content-security-policy"]
        assert "Older images" not in served.client.get("/").text


def test_what_cannot_be_made_is_said_when_it_is_planned(served: Here) -> None:
    a, b, _ = served.names()
    for change, why in (
        ({"do": "rename", "cluster": "nobody", "name": "x"}, "There is no cluster"),
        ({"do": "rename", "cluster": a, "name": b}, "already"),
        ({"do": "split", "cluster": a, "into": 9}, "cannot be split"),
        ({"do": "merge", "clusters": [a]}, "cannot be merged"),
    ):
        job = served.plan(change)
        assert job["state"] == "failed" and why in job["error"]["error"] and job["error"]["hint"]
    first = served.put("undo", {})
    assert first["state"] == "failed" and "nothing to undo" in first["error"]["error"]
    assert served.put("accept", {"revision": "777"})["state"] == "failed"
    assert served.ready()["current"] == "001"


def test_the_command_of_a_plan_does_the_same(served: Here, run: Path) -> None:
    a, *_ = served.names()
    planned = served.plan({"do": "rename", "cluster": a, "name": 'it\'s = "odd"'})["result"]
    assert planned["requests"]["high"] == 0 and "0 calls" in planned["line"]
    assert planned["command"].startswith("ictc refine ") and "--revision 001 --rename" in planned["command"]


def on_the_list(body: Body) -> str:
    """A model that knows three kinds of things; where one's name is not on the list, it takes the first."""
    said = json.loads(thinking(lambda text: next((k for k in TEXTS if k in text.casefold()), "none"))(body))
    names = re.findall(r'"enum": (\[[^]]*\])', json.dumps(body.get("response_format", {})))
    if "category" in said and names and said["category"] not in json.loads(names[0]):
        said["category"] = json.loads(names[0])[0]
    return json.dumps(said)


@pytest.fixture
def language(tmp_path: Path, captions: Path) -> Iterator[tuple[Path, ScriptedServer]]:
    """A run whose steps a (scripted) model did, and the model."""
    with ScriptedServer(on_the_list) as server:
        words = ["run", f"recorded:{captions}", "-c", "object", "-k", 3, "-o", tmp_path / "run", "--no-report"]
        done = invoke(*words, "--reasoner", f"openai:any@{server.url}", "--price", "any=1,2")
        assert done.exit_code == 0, done.output
        yield tmp_path / "run", server


def test_what_a_model_would_be_asked_is_said_before_and_a_budget_holds(language: tuple[Path, ScriptedServer]) -> None:
    run, model = language
    with Served(run, "--max-calls", 3, "--price", "any=1,2") as served:
        a, *_ = served.names()
        count = model.count
        planned = served.plan({"do": "drop", "cluster": a})["result"]
        asks = planned["requests"]["high"]
        assert 4 < asks <= 12 and planned["requests"]["low"] == asks and model.count == count
        assert f"{asks} calls" in planned["line"] and planned["cost"]["likely"] > 0
        spent = served.put("apply", {"plan": planned["plan"]})
        assert spent["state"] == "failed" and model.count == count + 3
        assert served.ready()["current"] == "001"
    with Served(run) as served:
        assert served.plan({"do": "drop", "cluster": a})["result"]["requests"]["high"] == asks - 3
        served.change({"do": "drop", "cluster": a})
        assert a not in served.names() and model.count == count + asks


def test_suggestions_offline_are_free_and_can_be_planned(served: Here) -> None:
    served.change({"do": "add", "name": "zebra", "about": "striped animals"})
    revision = served.ready()["current"]
    before = served.put("suggest", {"revision": revision})["result"]
    assert before["requests"]["high"] == 0 and before["command"].endswith(f"--revision {revision} --suggest")
    job = served.put("apply", {"plan": before["plan"]})
    found = job["result"]
    assert (job["kind"], found["by"], found["remark"]) == ("suggest", "offline", "")
    drop = next(s for s in found["suggestions"] if s["change"] == {"do": "drop", "cluster": "zebra"})
    assert drop["why"] and drop["command"] == "--drop zebra"
    assert served.ready()["current"] == revision, "nothing is changed by asking"
    served.change(drop["change"], revision=revision)
    assert "zebra" not in served.names()
    assert served.put("suggest", {"revision": "777"})["state"] == "failed"


def suggesting(body: Body) -> str:
    """As `on_the_list`, and of a whole result that two of its clusters are one kind."""
    if "merges" not in json.dumps(body.get("response_format", {})):
        return on_the_list(body)
    clusters = [
        c["name"] for c in json.loads(re.findall(r"\{.*\}", body["messages"][-1]["content"], re.S)[0])["clusters"]
    ]
    row = {"clusters": clusters[:2], "name": "both of them", "reason": "They are one kind."}
    said = {"merges": [row], "splits": [], "renames": [], "criterion": {"text": "", "reason": ""}}
    return json.dumps({**said, "k": {"number": 0, "reason": ""}})


def test_suggestions_of_a_model_cost_what_was_said(language: tuple[Path, ScriptedServer]) -> None:
    run, model = language
    model.respond = suggesting
    with Served(run, "--price", "any=1,2") as served:
        count = model.count
        planned = served.plan({"do": "pin", "cluster": next(iter(served.names()))})["result"]
        before = served.put("suggest", {"revision": "001"})["result"]
        assert before["requests"]["high"] >= 1 and before["cost"]["likely"] > 0 and model.count == count
        found = served.put("apply", {"plan": before["plan"]})["result"]
        assert model.count == count + 1 and found["by"].startswith("openai:any")
        [merge] = found["suggestions"]
        assert merge["why"] == "They are one kind." and merge["change"]["do"] == "merge"
        served.change(merge["change"])
        assert "both of them" in served.names() and model.count == count + 1
        assert planned["plan"] != before["plan"]


def test_progress_is_seen_and_a_change_can_be_stopped(language: tuple[Path, ScriptedServer]) -> None:
    run, model = language
    with Served(run, "--concurrency", 1, "--timeout", 60) as served:
        a, *_ = served.names()
        planned = served.plan({"do": "drop", "cluster": a})["result"]
        asks, count = planned["requests"]["high"], model.count
        model.latency = 0.4
        job = served.client.post("/api/apply", json={"plan": planned["plan"]}).json()
        told = served.until(lambda state: state["job"] and any(s["done"] for s in state["job"]["stages"]))["job"]
        [stage] = told["stages"]
        assert told["state"] == "running" and (stage["stage"], stage["total"]) == ("assign", 12)
        assert 1 <= stage["done"] < 12
        busy = served.client.post("/api/undo", json={})
        assert busy.status_code == 409 and "still being done" in busy.json()["error"]
        assert served.client.post("/api/stop", json={}).json() == {"stopped": True}
        served.until(lambda state: not state["job"])
        assert served.get(f"/api/jobs/{job['id']}")["state"] == "stopped"
        model.latency, asked = 0, model.count
        assert asked < count + asks and served.ready()["current"] == "001"
        served.change({"do": "drop", "cluster": a})
        assert model.count <= count + asks + 1, "what was answered is not asked again"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ended_with_a_change_under_way_it_says_how_to_go_on(
    language: tuple[Path, ScriptedServer], number: signal.Signals
) -> None:
    run, model = language
    with Served(run, "--concurrency", 1) as served:
        a, *_ = served.names()
        planned = served.plan({"do": "drop", "cluster": a})["result"]
        count, model.latency = model.count, 0.4
        served.client.post("/api/apply", json={"plan": planned["plan"]})
        served.until(lambda state: model.count >= count + 3)
        start = time.monotonic()
        code, err = served.end(number)
        assert code == 128 + number and planned["command"] in err and "Traceback" not in err
        assert time.monotonic() - start < 15
    model.latency = 0
    done = ictc(*planned["command"].split()[1:], "--yes")
    assert done.returncode == 0, done.stderr
    assert model.count <= count + planned["requests"]["high"] + 1, "one was broken off at most"


def test_idle_it_ends_at_once_and_well(started: Served) -> None:
    started.ready()
    start = time.monotonic()
    code, err = started.end()
    assert code == 0 and "Ended." in err and "Traceback" not in err and time.monotonic() - start < 5
    assert started.token not in err


HOLDS = """
import sys, time, pathlib
from ictc.runfolder import RunFolder
with RunFolder(pathlib.Path(sys.argv[1])).open_store() as store:
    store.put_many({"a": b"b"})
    print("held", flush=True)
    sys.stdin.readline()
"""


class Other:
    """Another process that works on the run, until it is let go."""

    def __init__(self, run: Path) -> None:
        command = [sys.executable, "-c", HOLDS, str(run)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout and self.process.stdout.readline() == "held\n"

    def __enter__(self) -> Other:
        return self

    def __exit__(self, *_: Any) -> None:
        self.process.communicate("\n", timeout=20)


def test_while_another_process_works_one_can_look_and_not_change(served: Here, run: Path) -> None:
    a, *_ = served.names()
    with Other(run):
        state = served.get("/api/state")
        assert state["busy"] and state["current"] == "001"
        assert "serve.js" in served.client.get("/").text
        job = served.put("plan", {"revision": "001", "changes": [{"do": "pin", "cluster": a}]})
        assert job["state"] == "failed" and "Another ictc process" in job["error"]["error"]
        assert served.put("undo", {})["state"] == "failed"
    assert not served.ready()["busy"]
    served.change({"do": "pin", "cluster": a})


def test_started_while_another_process_works_it_shows_the_page_there_is(run: Path) -> None:
    with Other(run):
        with Here(run) as served:
            assert "The page is being made" in served.client.get("/").text, "there is none yet"
        assert invoke("report", run).exit_code != 0
    assert invoke("report", run).exit_code == 0
    with Other(run), Here(run) as served:
        assert "serve.js" in served.client.get("/").text
        asked = {"revision": "001", "changes": [{"do": "move", "images": [0], "cluster": "red"}]}
        assert served.client.post("/api/plan", json=asked).status_code == 400, "numbers of a page that may be old"


def test_revisions_of_another_process_show_themselves(served: Here, run: Path) -> None:
    before = served.ready()
    a, *_ = served.names()
    assert ictc("refine", run, "--rename", f"{a}=elsewhere").returncode == 0
    after = served.until(lambda state: state["stamp"] != before["stamp"] and not state["stale"])
    assert after["current"] == "002" and "elsewhere" in served.client.get("/").text


def test_a_run_that_has_no_result_yet(tmp_path: Path) -> None:
    """Its page waits, and is there when the run is done."""
    write_coloured(tmp_path / "images")
    words = [tmp_path / "images", "-c", "colour", "-o", tmp_path / "run", "--no-report"]
    assert invoke("step1", *words[:-1]).exit_code == 0
    with Here(tmp_path / "run") as served:
        state = served.get("/api/state")
        assert state["current"] == "" and not state["busy"] and state["undo"] is None
        assert "waiting.js" in served.client.get("/").text
        assert ictc("run", *words, "-k", 3).returncode == 0
        served.until(lambda state: bool(state["stamp"]))
        assert "serve.js" in served.client.get("/").text


def test_no_run_no_server(tmp_path: Path) -> None:
    refused = ictc("serve", tmp_path)
    assert refused.returncode == 2 and "not a run folder" in refused.stderr


def test_it_looks_without_taking_the_lock(started: Served, run: Path) -> None:
    """A command that starts while the page asks how things are must never find the run taken by it."""
    started.ready()
    folder, looks, ended = RunFolder(run), list[int](), threading.Event()

    def look() -> None:
        with httpx2.Client(base_url=started.base, headers=started.client.headers) as other:
            while not ended.is_set():
                looks.append(other.get("/api/state").status_code)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        while len(looks) < 50:
            with folder.locked():
                pass
    finally:
        ended.set()
        thread.join()
    assert set(looks) == {200}
