"""The main job through the command line: on descriptions alone and on images, all at once and step by step."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import invoke, result_files, write_coloured


def run_json(*words: object) -> dict[str, Any]:
    result = invoke("run", *words, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def features(run: Path) -> dict[str, int]:
    """Row number by key of what the network saw; an image that is looked at again gets another number."""
    with sqlite3.connect(run / "store.sqlite") as db:
        return dict(db.execute("SELECT key, rowid FROM entries WHERE key LIKE 'features/%'"))


def test_descriptions_alone_are_clustered_named_and_scored(captions: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    found = run_json(f"recorded:{captions}", "-c", "object", "-k", 3, "-o", run, "--truth", "filename")
    assert {c["name"] for c in found["clusters"]} == {"cat", "truck", "guitar"}
    assert found | {"n": 36, "k": 3, "acc": 1.0, "unassigned": 0, "failed": 0} == found
    assert (found["ari"], found["nmi"]) == (1.0, 1.0)
    for name in ("metrics.json", "../report.html", "confusion.png", "confusion.csv", "DONE"):
        assert (run / "001" / name).stat().st_size > 0
    rows = [json.loads(line) for line in (run / "001" / "step3_result.jsonl").read_text().splitlines()]
    assert set(rows[0]) == {"image", "cluster", "confidence", "by", "evidence"}
    assert [r["image"] for r in rows][:3] == ["0_cat.png", "1_truck.png", "2_guitar.png"]
    assert all(0 <= r["confidence"] <= 1 for r in rows)


def test_scores_stay_with_their_result(captions: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run_json(f"recorded:{captions}", "-c", "object", "-k", 3, "-o", run, "--truth", "filename")
    assert json.loads(invoke("show", run, "--json").stdout)["acc"] == 1.0
    assert "ACC" in invoke("show", run).stdout
    assert "Accuracy" in (run / "report.html").read_text()


def test_two_criteria_give_two_answers_and_the_images_are_looked_at_once(coloured: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    by_colour = run_json(coloured, "-c", "dominant colour", "-k", 3, "-o", run, "--truth", "folder")
    assert by_colour["acc"] == 1.0
    named = " ".join(c["name"] for c in by_colour["clusters"])
    assert all(colour in named for colour in ("red", "green", "blue"))
    seen = features(run)
    by_brightness = run_json(coloured, "-c", "brightness", "-k", 1, "-o", run)
    assert by_brightness["revision"] == "002"
    assert (run / "002" / "step1_result.jsonl").read_text() != (run / "001" / "step1_result.jsonl").read_text()
    assert len(seen) == 12
    assert features(run) == seen


def test_step_by_step_gives_the_bytes_of_run(captions: Path, tmp_path: Path) -> None:
    run_json(f"recorded:{captions}", "-c", "object", "-k", 3, "-o", tmp_path / "once")
    steps = tmp_path / "steps"
    for words in (
        ("step1", f"recorded:{captions}", "-c", "object", "-o", steps),
        ("step2a", steps),
        ("step2b", steps, "-k", 3),
        ("step3", steps),
        ("score", steps, "--truth", "filename"),
        ("report", steps),
        ("show", steps),
    ):
        result = invoke(*words)
        assert result.exit_code == 0, result.output
    assert result_files(steps / "001") == result_files(tmp_path / "once" / "001")
    again = run_json(f"recorded:{captions}", "-c", "object", "-k", 3, "-o", steps)
    assert again["reused"], "a run finds what the steps made"


def test_another_k_makes_a_revision_and_leaves_the_old_one(captions: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run_json(f"recorded:{captions}", "-c", "object", "-k", 3, "-o", run)
    before = result_files(run / "001")
    assert invoke("step2b", run, "-k", 2).exit_code == 0
    shown = invoke("step3", run, "--json")
    assert json.loads(shown.stdout) | {"k": 2, "revision": "002"} == json.loads(shown.stdout)
    assert result_files(run / "001") == before
    assert json.loads(invoke("show", run, "--json", "--revision", "1").stdout)["k"] == 3


def test_the_same_run_again_computes_nothing(captions: Path, tmp_path: Path) -> None:
    words = (f"recorded:{captions}", "-c", "object", "-k", 3, "-o", tmp_path / "run")
    first = run_json(*words)
    files = {p: (p.stat().st_mtime_ns, p.stat().st_ino) for p in sorted((tmp_path / "run" / "001").iterdir())}
    second = run_json(*words)
    assert (first["reused"], second["reused"]) == (False, True)
    assert files == {p: (p.stat().st_mtime_ns, p.stat().st_ino) for p in sorted((tmp_path / "run" / "001").iterdir())}


def test_a_result_file_that_was_edited_is_made_again(captions: Path, tmp_path: Path) -> None:
    words = (f"recorded:{captions}", "-c", "object", "-k", 3, "-o", tmp_path / "run")
    run_json(*words)
    before = result_files(tmp_path / "run" / "001")
    (tmp_path / "run" / "001" / "step3_result.jsonl").write_text("")
    assert not run_json(*words)["reused"]
    assert result_files(tmp_path / "run" / "001") == before


def test_new_images_make_a_new_revision_and_only_they_are_looked_at(coloured: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run_json(coloured, "-c", "dominant colour", "-k", 2, "-o", run)
    write_coloured(coloured / "more", each=1)
    second = run_json(coloured, "-c", "dominant colour", "-k", 2, "-o", run)
    assert (second["revision"], second["images"]) == ("002", 15)


def test_k_is_chosen_and_the_reason_given(captions: Path, tmp_path: Path) -> None:
    found = run_json(f"recorded:{captions}", "-c", "object", "-o", tmp_path / "run")
    assert found["k"] == 3
    assert found["k_reason"]
    taxonomy = json.loads((tmp_path / "run" / "001" / "step2b_result.json").read_text())
    assert len(taxonomy["choice"]["curve"]) > 1


def test_the_run_stands_by_itself(coloured: Path, tmp_path: Path) -> None:
    run_json(coloured, "-c", "dominant colour", "-k", 3, "-o", tmp_path / "run")
    shutil.rmtree(coloured)
    moved = (tmp_path / "run").rename(tmp_path / "moved")
    for words in (("show", moved), ("report", moved), ("score", moved, "--truth", "folder"), ("step3", moved)):
        result = invoke(*words)
        assert result.exit_code == 0, result.output


def test_recorded_descriptions_for_images_on_disk(coloured: Path, tmp_path: Path) -> None:
    file = tmp_path / "described.jsonl"
    images = sorted(p.relative_to(coloured).as_posix() for p in coloured.rglob("*.png"))
    file.write_text("".join(json.dumps({"image": i, "text": f"A {i.split('/')[0]} disc."}) + "\n" for i in images[1:]))
    result = invoke("run", coloured, "-c", "colour", "-k", 3, "-o", tmp_path / "run", "--json",
                    "--describer", f"recorded:{file}")  # fmt: skip
    found = json.loads(result.stdout)
    assert (result.exit_code, found["images"], found["failed"]) == (3, 12, 1), "one image has no description"
    (failure,) = [json.loads(x) for x in (tmp_path / "run" / "001" / "failures.jsonl").read_text().splitlines()]
    assert (failure["code"], failure["image"]) == ("not-recorded", images[0])


@pytest.mark.parametrize("k", [1, 30])
def test_the_smallest_and_the_largest_k(captions: Path, tmp_path: Path, k: int) -> None:
    found = run_json(f"recorded:{captions}", "-c", "object", "-k", k, "-o", tmp_path / "run")
    assert found["k"] == len({c["name"] for c in found["clusters"]}) == k


def test_a_k_above_the_number_of_images_says_what_is_possible(captions: Path, tmp_path: Path) -> None:
    result = invoke("run", f"recorded:{captions}", "-c", "object", "-k", 37, "-o", tmp_path / "run")
    assert result.exit_code == 2
    assert "only 36 images" in result.output
    assert "-k 36" in result.output


def test_a_very_long_criterion_works(captions: Path, tmp_path: Path) -> None:
    criterion = ("which object is shown, " * 500)[:10_000]
    found = run_json(f"recorded:{captions}", "-c", criterion, "-k", 3, "-o", tmp_path / "run", "--truth", "filename")
    assert found["n"] == 36
    assert (tmp_path / "run" / "report.html").exists()


def test_one_image_and_identical_images(tmp_path: Path) -> None:
    write_coloured(tmp_path / "one", each=1)
    for name in ("green", "blue"):
        shutil.rmtree(tmp_path / "one" / name)
    assert run_json(tmp_path / "one", "-c", "dominant colour", "-o", tmp_path / "run1")["k"] == 1
    source = next((tmp_path / "one").rglob("*.png"))
    for i in range(5):
        shutil.copy(source, source.with_name(f"copy{i}.png"))
    found = run_json(tmp_path / "one", "-c", "dominant colour", "-o", tmp_path / "run2")
    assert (found["k"], found["clusters"][0]["images"]) == (1, 6)
    refused = invoke("run", tmp_path / "one", "-c", "dominant colour", "-k", 3, "-o", tmp_path / "run2")
    assert refused.exit_code in (2, 4)
    assert "-k 1" in refused.output


def test_a_wrong_spec_leaves_nothing_behind(captions: Path, tmp_path: Path) -> None:
    words = (f"recorded:{captions}", "-c", "object", "-k", 3, "-o", tmp_path / "run")
    for option in ("--describer", "--reasoner"):
        refused = invoke("run", tmp_path, *words[1:], option, "nonesuch")
        assert refused.exit_code == 2
        assert "nonesuch" in refused.output
    assert not (tmp_path / "run").exists()
    run_json(*words)


def test_a_request_that_was_refused_does_not_hide_the_good_revision(captions: Path, tmp_path: Path) -> None:
    words = (f"recorded:{captions}", "-c", "object", "-o", tmp_path / "run")
    run_json(*words, "-k", 3)
    assert invoke("step2b", tmp_path / "run", "-k", 99).exit_code == 2
    assert invoke("run", *words, "-k", 33).exit_code == 2
    assert json.loads(invoke("show", tmp_path / "run", "--json").stdout)["k"] == 3


def test_recorded_descriptions_may_be_gone_once_they_are_in_the_run(captions: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run_json(f"recorded:{captions}", "-c", "object", "-k", 3, "-o", run)
    moved = captions.rename(captions.with_name("moved.jsonl"))
    for words in (("score", run, "--truth", "filename"), ("report", run), ("step2b", run, "-k", 2), ("step3", run)):
        assert invoke(*words).exit_code == 0, words
    assert run_json(f"recorded:{moved}", "-c", "object", "-k", 3, "-o", run)["reused"]


def test_names_that_a_person_wrote_are_another_question(captions: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = (f"recorded:{captions}", "-c", "object", "-k", 3, "-o", run, "--truth", "filename")
    run_json(*words)
    file = run / "001" / "step2b_result.json"
    file.write_text(file.read_text().replace('"name": "cat"', '"name": "kitty"'))
    refused = invoke("show", run)
    assert refused.exit_code == 2
    assert "ictc step3" in refused.output
    edited = json.loads(invoke("step3", run, "--json").stdout)
    assert edited["revision"] == "002"
    assert "kitty" in {c["name"] for c in edited["clusters"]}
    assert "acc" not in json.loads(invoke("show", run, "--json").stdout), "the scores were of another result"
    again = run_json(*words)
    assert {c["name"] for c in again["clusters"]} == {"cat", "truck", "guitar"}


def test_new_columns_and_new_places_of_the_same_images_are_taken_in(coloured: Path, tmp_path: Path) -> None:
    table = coloured / "metadata.csv"
    names = sorted(p.relative_to(coloured).as_posix() for p in coloured.rglob("*.png"))
    for wrong in (True, False):
        rows = [f"{n},{'x' if wrong else n.split('/')[0]}" for n in names]
        table.write_text("file_name,kind\n" + "\n".join(rows) + "\n")
        words = ("-c", "dominant colour", "-k", 3, "-o", tmp_path / "run", "--truth", "kind")
        found = run_json(coloured, *words)
    assert (found["reused"], found["acc"]) == (True, 1.0)
    moved = coloured.rename(tmp_path / "elsewhere")
    assert run_json(moved, *words)["reused"]
    assert "elsewhere" in (tmp_path / "run" / "001" / "images.jsonl").read_text()


def test_a_fault_that_was_mended_is_tried_again(coloured: Path, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    images = sorted(coloured.rglob("*.png"))
    spare = images[0].with_suffix(".spare")
    listed.write_text("\n".join(map(str, images)) + "\n")
    words = ("run", listed, "-c", "dominant colour", "-k", 3, "-o", tmp_path / "run", "--json")
    images[0].rename(spare)
    broken = invoke(*words)
    assert broken.exit_code == 3
    assert json.loads(broken.stdout)["failed"] == 1
    spare.rename(images[0])
    mended = json.loads(invoke(*words).stdout)
    assert (mended["failed"], mended["images"], mended["reused"]) == (0, 12, False)
