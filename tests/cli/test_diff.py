"""`ictc diff`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.conftest import invoke


@pytest.fixture
def run(captions: Path, tmp_path: Path) -> Path:
    """A run with the revisions 001 (K 3) and 002 (K 2)."""
    folder = tmp_path / "run"
    for k in (3, 2):
        done = invoke("run", f"recorded:{captions}", "-c", "object", "-k", k, "-o", folder, "--no-report")
        assert done.exit_code == 0, done.output
    return folder


def test_two_revisions(run: Path, tmp_path: Path) -> None:
    shown = invoke("diff", run)
    assert shown.exit_code == 0 and "merged" in shown.stdout and "ARI" in shown.stdout
    found = json.loads(invoke("diff", run, "1", "002", "--json", "--moved", tmp_path / "moved.csv").stdout)
    assert (
        found["k"] == [3, 2]
        and found["common"] == 36
        and (found["before"], found["after"])
        == (
            f"{run}:001",
            f"{run}:002",
        )
    )
    assert any(c["what"] == "merged" and len(c["before"]) == 2 for c in found["clusters"])
    rows = list(csv.DictReader((tmp_path / "moved.csv").open()))
    before, after = (
        {r["image"]: r["cluster"] for r in map(json.loads, (run / i / "step3_result.jsonl").open())}
        for i in ("001", "002")
    )
    assert {r["image"] for r in rows} == {i for i in before if before[i] != after[i]}
    assert all((r["before"], r["after"]) == (before[r["image"]], after[r["image"]]) for r in rows)


def test_the_same_in_every_way_of_saying_it(run: Path, tmp_path: Path) -> None:
    ways = [(run,), (run, "001"), (f"{run}:001", f"{run}:002"), (f"{run}:1", run)]
    told = [json.loads(invoke("diff", *way, "--json").stdout) for way in ways]
    assert all(t == told[0] for t in told[1:])


def test_what_cannot_be_compared_is_told(run: Path, captions: Path, tmp_path: Path) -> None:
    other, apart = tmp_path / "other", tmp_path / "apart"
    elsewhere = tmp_path / "elsewhere.jsonl"
    elsewhere.write_text(captions.read_text().replace('"image": "', '"image": "else/').replace("picture", "image"))
    assert invoke("run", f"recorded:{elsewhere}", "-c", "x", "-k", 2, "-o", apart, "--no-report").exit_code == 0
    assert invoke("run", f"recorded:{captions}", "-c", "x", "-k", 2, "-o", other, "--no-report").exit_code == 0
    for words, said in [
        ((other,), "1 finished revision"),
        ((run, "001", "nine"), "no revision"),
        ((run, "001", "009"), "It has: 001, 002"),
        ((run, "1", "2", "3"), "4 things"),
        ((f"{run}:001",), "one revision"),
        ((tmp_path / "none",), "not a run folder"),
        ((run, other, "001"), "no revision"),
        ((run, apart), "no image in common"),
    ]:
        done = invoke("diff", *words)
        assert done.exit_code == 2 and said in " ".join(done.output.split()), (words, done.output)


def test_another_file_is_never_replaced_by_the_table(run: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("precious\n")
    refused = invoke("diff", run, "--moved", mine)
    assert refused.exit_code == 2 and "another file" in refused.output
    assert mine.read_text() == "precious\n"
    table = tmp_path / "moved.csv"
    for _ in range(2):  # its own is made anew
        assert invoke("diff", run, "--moved", table).exit_code == 0
