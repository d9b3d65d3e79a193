"""`--levels 2` through the command line, offline and with a language model: made, shown, scored, changed by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import invoke, result_files
from tests.servers.answers import Body
from tests.servers.scripted import ScriptedServer
from tests.servers.thinking import thinking

KINDS = {"dog": "animal", "cat": "animal", "rabbit": "animal", "car": "vehicle", "truck": "vehicle", "bus": "vehicle"}
SCENES = ("A {} in a field.", "The image shows a {} by the water.", "There is a {} near a tree.")
N = 36


@pytest.fixture
def captions(tmp_path: Path) -> Path:
    file, kinds = tmp_path / "captions.jsonl", list(KINDS)
    rows = ({"image": f"{i}_{kinds[i % 6]}.png", "text": SCENES[i // 6 % 3].format(kinds[i % 6])} for i in range(N))
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    truth = "".join(f"{i}_{kinds[i % 6]}.png,{KINDS[kinds[i % 6]]}\n" for i in range(N))
    (tmp_path / "truth.csv").write_text("image,kind\n" + truth)
    return file


def grouping(body: Body) -> str:
    """A model that knows the kinds."""
    if "broader groups" not in body["messages"][0]["content"]:
        return thinking(lambda text: next((k for k in KINDS if k in text), "thing"))(body)
    rows = json.loads(body["messages"][-1]["content"])["labels"]
    categories = [
        {"name": kind, "about": "", "labels": [r["id"] for r in rows if KINDS.get(r["label"]) == kind]}
        for kind in ("animal", "vehicle")
    ]
    return json.dumps({"categories": categories})


def groups(told: dict[str, Any]) -> dict[str, set[str]]:
    return {g["name"]: set(g["clusters"]) for g in told["groups"]}


ANIMALS, VEHICLES = ({k for k, kind in KINDS.items() if kind == wanted} for wanted in ("animal", "vehicle"))


def test_offline_all_that_shows_a_result_shows_the_groups(captions: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    plain = json.loads(invoke("run", f"recorded:{captions}", "-c", "object", "-k", 6, "-o", run, "--json").stdout)
    assert "groups" not in plain
    command = ["run", f"recorded:{captions}", "-c", "object", "-k", 6, "--levels", 2, "-o", run]
    done = json.loads(invoke(*command, "--json").stdout)
    assert set(map(frozenset, groups(done).values())) == {frozenset(ANIMALS), frozenset(VEHICLES)}
    assert sum(g["images"] for g in done["groups"]) == N
    assert [(c["name"], c["images"]) for c in done["clusters"]] == [(c["name"], c["images"]) for c in plain["clusters"]]
    table = invoke("show", run).stdout
    page = Path(done["report"]).read_text("utf-8")
    for group in done["groups"]:
        first = group["name"].split(",")[0]
        assert table.index(group["name"][:12]) < table.index(f"  {first} ")
        assert page.count(f"<bdi>{group['name']}</bdi>") == 3, "in the contents, the overview and above its clusters"
    assert "--levels 2" in page
    again = json.loads(invoke(*command, "--json").stdout)
    assert again["reused"] and again["revision"] == done["revision"] != plain["revision"]
    coarse = json.loads(invoke("score", run, "--truth", f"{tmp_path / 'truth.csv'}:kind", "--groups", "--json").stdout)
    assert (coarse["level"], coarse["acc"], coarse["k"], coarse["k_true"]) == ("groups", 1.0, 2, 2)
    fine = json.loads(invoke("score", run, "--truth", "filename", "--json").stdout)
    assert (fine["level"], fine["acc"], fine["k"]) == ("clusters", 1.0, 6)
    kept = json.loads((run / done["revision"] / "metrics_groups.json").read_text())
    assert kept["acc"] == 1.0 and kept["level"] == "groups"


def test_step_by_step_is_the_same_and_hand_edits_are_kept(captions: Path, tmp_path: Path) -> None:
    whole, steps = tmp_path / "whole", tmp_path / "steps"
    invoke("run", f"recorded:{captions}", "-c", "object", "-k", 6, "--groups", 2, "-o", whole, "--no-report")
    invoke("step1", f"recorded:{captions}", "-c", "object", "-o", steps)
    invoke("step2a", steps, "--groups", 2)
    invoke("step2b", steps, "-k", 6)
    invoke("step3", steps)
    assert result_files(steps / "001") == result_files(whole / "001")
    file = steps / "001" / "step2b_result.json"
    rows = json.loads(file.read_text())
    rows["clusters"][0]["group"] = "by hand"
    file.write_text(json.dumps(rows))
    done = json.loads(invoke("step3", steps, "--json").stdout)
    assert done["revision"] == "002" and groups(done)["by hand"] == {rows["clusters"][0]["name"]}


def test_a_model_is_asked_once_more_as_the_dry_run_says(captions: Path, tmp_path: Path) -> None:
    with ScriptedServer(grouping) as server:
        command = ["run", f"recorded:{captions}", "-c", "object", "-k", 6, "-o", tmp_path / "run", "--json"]
        command += ["--no-report", "--reasoner", f"openai:any@{server.url}"]
        likely = [
            json.loads(invoke(*command, *more, "--dry-run").stdout)["requests"]["likely"]
            for more in ([], ["--levels", 2])
        ]
        assert server.count == 0 and likely[1] == likely[0] + 1
        plain = json.loads(invoke(*command).stdout)
        assert server.count == likely[0] and "groups" not in plain
        done = json.loads(invoke(*command, "--levels", 2).stdout)
        assert server.count == likely[1], "nothing but the groups"
        assert groups(done) == {"animal": ANIMALS, "vehicle": VEHICLES}
        before, cascade = server.count, [*command, "--levels", 2, "-o", tmp_path / "cascade"]
        assert groups(json.loads(invoke(*cascade, "--budget", 15).stdout)) == groups(done)
        assert 0 < server.count - before <= 15
    gone = [*command, "--levels", 2, "--fallback", "offline", "--retries", 0, "-o", tmp_path / "gone"]
    fallen = json.loads(invoke(*gone).stdout)
    assert set(map(frozenset, groups(fallen).values())) == {frozenset(ANIMALS), frozenset(VEHICLES)}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-k", "3", "--levels", "2"], "3 names are too few"),
        (["-k", "6", "--groups", "6"], "6 names cannot be merged into 6 groups"),
        (["-k", "6", "--groups", "2", "--levels", "1"], "--groups does nothing"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_made(
    captions: Path, tmp_path: Path, options: list[str], said: str
) -> None:
    found = invoke("run", f"recorded:{captions}", "-c", "object", "-o", tmp_path / "run", *options)
    assert found.exit_code == 2 and said in found.stderr and not (tmp_path / "run").exists()
    invoke("step1", f"recorded:{captions}", "-c", "object", "-o", tmp_path / "run")
    invoke("step2a", tmp_path / "run")
    assert said in invoke("step2b", tmp_path / "run", *options).stderr


def test_where_k_turns_out_too_small_the_names_stand_and_it_is_said(captions: Path, tmp_path: Path) -> None:
    command = ["run", f"recorded:{captions}", "-c", "animal or vehicle", "-k", "auto", "--levels", 2, "--json"]
    done = json.loads(invoke(*command, "-o", tmp_path / "run", "--no-report").stdout)
    assert done["k"] == 2 and "groups" not in done
    assert done["notes"] == ["There are no groups: 2 of 2 names would not be broader."]


def test_a_run_without_groups_says_how_to_make_them(captions: Path, tmp_path: Path) -> None:
    invoke("run", f"recorded:{captions}", "-c", "object", "-k", 6, "-o", tmp_path / "run", "--no-report")
    found = invoke("score", tmp_path / "run", "--truth", "filename", "--groups")
    assert found.exit_code == 2 and "--levels 2" in found.stderr
