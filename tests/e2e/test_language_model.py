"""A language model over HTTP does steps 2a to 3 of the whole command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import TEXTS, invoke
from tests.servers.answers import Body, Scripted, error
from tests.servers.scripted import ScriptedServer
from tests.servers.thinking import thinking


def kind(text: str) -> str:
    return next((k for k in TEXTS if k in text.casefold()), "nothing")


def in_prose(body: Body) -> str:
    """A server that ignores schemas: its model thinks aloud, answers in the paper's form, and once off the list."""
    said = json.loads(thinking(kind)(body))
    if "categories" in said:
        return "\n".join(f"Answer {i}: {c['name']}" for i, c in enumerate(said["categories"], 1))
    if "answers" in said:
        return json.dumps(said)
    answer = next(iter(said.values()))
    if "category" in said and "picture number 30" in body["messages"][-1]["content"]:
        answer = "kitten"
    return f"<think>Perhaps a fish?</think>\nAnswer: {answer.title()}."


@pytest.mark.parametrize("respond", [thinking(kind), in_prose], ids=["schemas", "no schemas"])
@pytest.mark.parametrize("pack", [1, 5])
def test_all_steps(captions: Path, tmp_path: Path, respond: Callable[[Body], str], pack: int) -> None:
    with ScriptedServer(respond) as server:
        command = ["run", f"recorded:{captions}", "-c", "object", "-k", "3", "--no-report", "--json", "--pack", pack]
        command += ["--reasoner", f"openai:any@{server.url}", "--truth", "filename", "-o", tmp_path / "run"]
        done = json.loads(invoke(*command).stdout)
        asked = server.count
        again = json.loads(invoke(*command).stdout)
        assert server.count == asked, "a second run asks nothing"
    off = 1 if respond is in_prose and pack == 1 else done["unassigned"]
    assert done["unassigned"] == off <= 1
    assert done["acc"] == pytest.approx((36 - off) / 36, abs=1e-6)
    assert {c["name"].casefold() for c in done["clusters"] if c["name"]} >= {"cat", "truck", "guitar"}
    assert again["of"] == done["of"]


def test_names_of_ones_own_cost_no_merge(captions: Path, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("Cat\nTruck\nGuitar\n")
    with ScriptedServer(in_prose) as server:
        options = ["-c", "object", "--names", names, "--no-report", "--json", "-o", tmp_path / "run"]
        done = json.loads(
            invoke("run", f"recorded:{captions}", *options, "--reasoner", f"openai:any@{server.url}").stdout
        )
        assert all("categories" not in json.dumps(body.get("response_format", "")) for body in server.bodies)
    assert {c["name"] for c in done["clusters"]} >= {"Cat", "Truck", "Guitar"} and done["k"] == 3


def test_labels_that_overflow_a_servers_context_are_merged_in_parts_and_none_is_lost(tmp_path: Path) -> None:
    """The server takes 6,000 characters; in one request the labels have more than twice as many."""
    texts = [f"{('red', 'green', 'blue')[i % 3]} thing {i}" for i in range(300)]
    captions = tmp_path / "captions.jsonl"
    captions.write_text("".join(json.dumps({"image": f"{i}.png", "text": t}) + "\n" for i, t in enumerate(texts)))
    answers, refused = thinking(lambda text: text), list[int]()

    def small(body: Body) -> str | Scripted:
        size = sum(len(m["content"]) for m in body["messages"])
        if size > 6000:
            refused.append(size)
            return error(400, "This model's maximum context length is exceeded.", code="context_length_exceeded")
        return answers(body)

    with ScriptedServer(small) as server:
        options = ["-c", "thing", "-k", "3", "--no-report", "--json", "-o", tmp_path / "run"]
        done = invoke("run", f"recorded:{captions}", *options, "--reasoner", f"openai:any@{server.url}")
    assert done.exit_code == 0, done.stdout
    assert refused and max(refused) > 12_000
    clusters = json.loads((tmp_path / "run/001/step2b_result.json").read_text())["clusters"]
    assert len(clusters) == 3
    assert sorted(label for c in clusters for label in c["labels"]) == sorted(texts)
    assert {n for c in clusters for n in c["labels"].values()} == {1}
