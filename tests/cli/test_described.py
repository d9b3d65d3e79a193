"""`described:openai:...` in the commands that embed: counted, within the budget, nothing asked twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import invoke
from tests.servers.scripted import ScriptedServer

SAID = ("a red disc", "a green disc", "a blue disc")


def seen(body: dict[str, Any]) -> str:
    """A different thing of each picture, the same each time; one is answered with a special token."""
    picture = json.dumps(body["messages"][-1]["content"])
    return "[UNK]" if hash(picture) in ODD else SAID[len(picture) % 3]


ODD: set[int] = set()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    ODD.clear()
    with ScriptedServer(seen) as up:
        yield up


def ictc(*words: object, code: int = 0) -> dict[str, Any]:
    done = invoke(*words, "--json", env={"OPENAI_API_KEY": "none"})
    assert done.exit_code == code, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_cluster_asks_once_within_the_budget_and_says_so_before(
    coloured: Path, tmp_path: Path, server: ScriptedServer
) -> None:
    run, spec = tmp_path / "run", f"described:openai:m@{server.url}"
    words = ("cluster", coloured, "-c", "colour", "--embedder", spec, "-k", 3, "-o", run, "--no-report")
    plan = ictc(*words, "--dry-run")
    assert server.count == 0 and plan["requests"]["likely"] == 12 and plan["embedding"]["to_embed"] == 12
    stopped = ictc(*words, "--max-calls", 5, code=5)
    assert server.count == 5 and "--max-calls" in stopped["hint"]
    assert ictc(*words, "--dry-run")["requests"]["likely"] == 7
    ictc(*words)
    assert server.count == 12
    assert "colour" in json.dumps(server.bodies[0]), "the criterion is in what the model is asked"
    texts = [json.loads(line)["text"] for line in (run / "001" / "step1_result.jsonl").read_text().splitlines()]
    assert set(texts) <= set(SAID)
    assert json.loads((run / "run.json").read_text())["revisions"]["001"]["spent"]["requests"] == 12
    ictc(*words, "--clusterer", "agglomerative")
    ictc(*words, "--recompute")
    ictc("compare", coloured, "-c", "colour", "--features", spec, "--clusterer", "kmeans", "-k", 2, "-o", run)
    assert server.count == 12, "another clusterer, vectors made anew, a comparison: nothing is asked again"
    plan = ictc(*words, "-c", "shape", "--dry-run")
    assert plan["requests"]["likely"] == plan["embedding"]["to_embed"] == 12
    told = invoke("refine", run, "-c", "shape")
    assert told.exit_code == 2 and "said anew: ictc cluster" in told.stderr and server.count == 12
    told = invoke("analyze", run, "--noise")
    assert told.exit_code == 2 and "cannot embed changed pictures" in told.output and server.count == 12


def test_special_tokens_are_counted_and_reported_by_every_command(
    coloured: Path, tmp_path: Path, server: ScriptedServer
) -> None:
    run, spec = tmp_path / "run", f"described:openai:m@{server.url}"
    embed = ("embed", coloured, "--embedder", spec, "-c", "colour", "-o", run)
    first = ictc(*embed)
    assert (first["embedded"], first["spent"]["requests"]) == (12, 12)
    ODD.add(hash(json.dumps(server.bodies[3]["messages"][-1]["content"])))
    other = tmp_path / "other"
    told = ictc("embed", coloured, "--embedder", spec, "-c", "colour", "-o", other, code=3)
    assert (told["embedded"], told["failed"], told["failures"][0]["code"]) == (11, 1, "empty")
    assert "1 of 12 images failed (empty: 1)" in invoke(*embed[:-1], other, env={"OPENAI_API_KEY": "none"}).stderr
    words = ("-c", "colour", "-k", 2, "-o", other)
    done = ictc("cluster", coloured, "--embedder", spec, *words, "--no-report", code=3)
    assert done["failed"] == 1
    [failure] = [json.loads(x) for x in (other / "001" / "failures.jsonl").read_text().splitlines()]
    assert failure["code"] == "empty" and "[UNK]" in failure["message"]
    found = ictc("compare", coloured, "--features", spec, "--clusterer", "kmeans", *words, code=3)
    [one] = found["embedders"]
    assert (one["failed"], one["failures"][0]["code"], "spent" in found) == (1, "empty", False)
    assert server.count == 24, "each was asked once in each run; that nothing came of it is known too"


def test_classify_asks_about_new_images_alone(coloured: Path, tmp_path: Path, server: ScriptedServer) -> None:
    run, spec = tmp_path / "run", f"described:openai:m@{server.url}"
    new = coloured / "red"
    (tmp_path / "away").mkdir()
    moved = [file.rename(tmp_path / "away" / file.name) for file in sorted(new.iterdir())[:2]]
    ictc("cluster", coloured, "-c", "colour", "--embedder", spec, "-k", 2, "-o", run, "--no-report")
    assert server.count == 10
    words = ("classify", run, tmp_path / "away", "--out", tmp_path / "p.jsonl")
    assert ictc(*words, "--max-calls", 1, code=5)["exit"] == 5 and server.count == 11
    done = ictc(*words, "--save", tmp_path / "saved")
    assert done["classified"] == len(moved) and done["spent"]["requests"] == 1 and server.count == 12
    ictc("classify", tmp_path / "saved", tmp_path / "away", "--out", tmp_path / "q.jsonl")
    assert server.count == 14, (
        "a saved classifier has no run to remember by, and asks by the criterion that it was made by"
    )
    assert "colour" in json.dumps(server.bodies[-1])


def test_a_model_that_is_gone_stops_and_what_was_answered_stays(
    coloured: Path, tmp_path: Path, server: ScriptedServer
) -> None:
    server.key = "other"
    run, spec = tmp_path / "run", f"described:openai:m@{server.url}"
    for words in (("cluster", "--no-report"), ("embed",)):
        told = ictc(words[0], coloured, "--embedder", spec, "-o", run, *words[1:], code=4)
        assert "unauthorized" in told["error"] and "only the rest is asked" in told["hint"]
    found = ictc("compare", coloured, "--features", spec, "--features", "lite0", "--clusterer", "kmeans", "-k", 2,
                 "--seeds", 1, "-o", tmp_path / "two", code=3)  # fmt: skip
    why = {row["embedder"]: [r["reason"] for r in row["reasons"]] for row in found["rows"]}
    assert why["lite0"] == [] and "unauthorized" in why[spec][0], "the others of a comparison are done"
