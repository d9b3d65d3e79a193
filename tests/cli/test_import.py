"""`ictc import`: strict and as published, never mixed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import invoke

STEP3 = [f"Image file-d/{i}_{c}.png Answer: {c}" for c in ("cat", "dog") for i in range(4)]


@pytest.fixture
def original(tmp_path: Path) -> Path:
    folder = tmp_path / "gpt4"
    folder.mkdir()
    wolves = [f"Image file-d/{i}_dog.png But no: Answer: wolf" for i in range(4, 7)]
    (folder / "step3_result.txt").write_text("\n".join([*STEP3, *wolves]))
    (folder / "step2b_result.txt").write_text("1: cat\n2: dog")
    (folder / "accuracy.txt").write_text("{'ACC': 0.9, 'ARI': 0.5, 'NMI': 0.5, 'hungarian_match': [(0, 0), (1, 1)]}")
    return folder


def test_as_published_is_labelled_and_beside_the_strict_scores(original: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shown = invoke("import", original, "-o", run, "--as-published", "--seed", 5)
    assert shown.exit_code == 0
    for said in (
        "not by ictc's",
        "its accuracy.txt",
        "both versions",
        "seeds 5 to 24",
        "WordNet",
        "ACC within the draws",
    ):
        assert said in shown.stdout, said
    file = run / "001" / "metrics_as_published.json"
    before = json.loads(file.read_text())
    assert before["scorer"].startswith("as published") and before["seed"] == 5
    assert before["versions"][0]["off_list"] == 3
    assert not (run / "001" / "metrics.json").exists()

    assert invoke("score", run, "--truth", "filename").exit_code == 0
    strict = json.loads((run / "001" / "metrics.json").read_text())
    assert (strict["off_list"], round(strict["acc"], 4)) == (3, 0.7273)
    assert "versions" not in strict and json.loads(file.read_text()) == before


def test_json_has_it_under_a_name_of_its_own_and_only_if_asked(original: Path, tmp_path: Path) -> None:
    told = json.loads(invoke("import", original, "-o", tmp_path / "a", "--as-published", "--json").stdout)
    assert told["off_list"] == 3 and told["as_published"]["accuracy_txt"]["acc"] == 0.9
    assert "acc" not in told
    again = invoke("import", original, "-o", tmp_path / "b", "--json", "--seed", 5)
    assert "as_published" not in json.loads(again.stdout)
    assert not (tmp_path / "b" / "001" / "metrics_as_published.json").exists()


def test_what_cannot_be_scored_makes_no_run_and_accuracy_junk_is_told(original: Path, tmp_path: Path) -> None:
    (original / "accuracy.txt").write_bytes(b"\xff\x00")
    shown = invoke("import", original, "-o", tmp_path / "a", "--as-published")
    assert shown.exit_code == 0 and "accuracy.txt not used" in shown.stdout
    (original / "step2b_result.txt").write_text("1. cat\n2. dog")
    shown = invoke("import", original, "-o", tmp_path / "b", "--as-published")
    assert shown.exit_code == 2 and "no line with a colon" in shown.output
    assert not (tmp_path / "b").exists()


def test_most_answers_off_the_list_is_asked_about(original: Path, tmp_path: Path) -> None:
    (original / "step2b_result.txt").write_text("1: cat\n2: frog")
    assert "of the same run?" in invoke("import", original, "-o", tmp_path / "run").stdout
