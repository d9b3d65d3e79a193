"""`ictc update` as one types it: every kind of change, every kind of run without a model, and what cannot be."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import COLOURS, invoke, result_files, write_coloured

KINDS = ("cat", "truck", "guitar")
SCENES = ("A {} near a window.", "The image shows a {} on the left.", "There is a {} in front of a wall.")
Rows = list[dict[str, str]]


def row(i: int, kind: str) -> dict[str, str]:
    return {"image": f"{i}_{kind}.png", "text": f"{SCENES[i % 3].format(kind)} It is picture number {i}."}


def write(file: Path, rows: Rows) -> str:
    file.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return f"recorded:{file}"


OLD = [row(i, KINDS[i * 7 // 3 % 3]) for i in range(60)]
NEW = [row(100 + i, KINDS[i % 3]) for i in range(9)]


def told(*words: object, code: int = 0) -> dict[str, Any]:
    done = invoke(*words, "--json")
    assert done.exit_code == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def clusters(run: Path, revision: str) -> dict[str, Any]:
    lines = (run / revision / "step3_result.jsonl").read_text().splitlines()
    return {r["image"]: r for r in map(json.loads, lines)}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    told("run", write(folder / "d.jsonl", OLD), "-c", "object", "-k", 3, "-o", folder / "run", "--no-report")
    return folder / "run"


@pytest.fixture
def run(base: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(base, tmp_path / "run"))


def update(run: Path, *words: object, code: int = 0) -> dict[str, Any]:
    return told("update", run, *words, "--no-report", code=code)


def test_new_rows_go_to_the_old_names_and_the_others_stay(run: Path, tmp_path: Path) -> None:
    changed = {**OLD[4], "text": "A guitar lies on a table. It is picture number 4."}
    file = write(tmp_path / "new.jsonl", [*OLD[1:4], changed, *OLD[5:], *NEW])
    found = update(run, file)
    counts = {k: found["update"]["changes"][k] for k in ("new", "changed", "renamed", "removed", "unchanged")}
    assert counts == {"new": 9, "changed": 1, "renamed": 0, "removed": 1, "unchanged": 58}
    assert found["revision"] == "002" and not found["update"]["nothing"]
    before, after = clusters(run, "001"), clusters(run, "002")
    assert list(after) == [json.loads(x)["image"] for x in (tmp_path / "new.jsonl").read_text().splitlines()]
    assert all(after[i] == before[i] for i in set(before) & set(after) - {OLD[4]["image"]})
    assert after[OLD[4]["image"]]["cluster"] == "guitar"
    assert all(after[r["image"]]["cluster"] in r["image"] for r in NEW)
    taxonomy = json.loads((run / "002/step2b_result.json").read_text())
    assert [c["name"] for c in taxonomy["clusters"]] == [c["name"] for c in json.loads(
        (run / "001/step2b_result.json").read_text())["clusters"]]  # fmt: skip
    assert sum(sum(c["labels"].values()) for c in taxonomy["clusters"]) == len(after)
    assert sum(c["images"] for c in found["update"]["clusters"]) == 10
    assert not found["update"]["drift"]["drifts"] and found["update"]["suggestion"] is None

    again = update(run, file)
    assert again["update"]["nothing"] and again["revision"] == "002" and not (run / "003").exists()
    third = update(run, write(tmp_path / "new.jsonl", [*OLD[1:4], changed, *OLD[5:], *NEW, row(200, "cat")]))
    assert third["revision"] == "003" and third["update"]["changes"]["new"] == 1, "an update of an update"
    assert update(run, "--revision", "001", file)["update"]["base"] == "001"


def test_nothing_to_do_writes_nothing(run: Path) -> None:
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file() and "store" not in p.name}
    done = invoke("update", run)
    assert done.exit_code == 0 and "Nothing to do" in done.stdout
    assert before == {p: p.read_bytes() for p in run.rglob("*") if p.is_file() and "store" not in p.name}


def test_a_dry_run_counts_and_writes_nothing(run: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "new.jsonl", [*OLD, *NEW])
    found = told("update", run, file, "--dry-run")
    assert found["changes"]["new"] == 9 and found["requests"]["high"] == 0 and not (run / "002").exists()
    assert "9 new, 60 unchanged" in invoke("update", run, file, "--dry-run").stdout


def test_drift_and_a_missing_cluster_are_told_with_what_to_type(run: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "new.jsonl", [*OLD, *NEW, *(row(300 + i, "giraffe") for i in range(9))])
    done = invoke("update", run, file)
    assert done.exit_code == 0
    assert "drift: the new images differ" in done.stdout and "perhaps a cluster is missing: “giraffe”" in done.stdout
    assert f"ictc refine {run} --add giraffe" in done.stdout
    assert f"ictc run {file} -c object -k 4 -o {run}" in done.stdout
    found = update(run, "--revision", "001", file)
    more = found["update"]["suggestion"]
    assert more["size"] == 9 and all("giraffe" in i for i in more["images"])
    assert found["update"]["drift"]["signs"]["unheard"]["drifts"] and found["reused"]
    assert json.loads((run / "002/update.json").read_text())["suggestion"] == more
    page = (run / "report.html").read_text()
    part = page.partition('id="r2-update"')[2].partition("</section>")[0]
    assert "New images since 001" in part and "Drift: the new images differ" in part and "giraffe" in part
    unheard = re.search(r"with a label nobody had</th>(.*?)</tr>", part)
    sign = found["update"]["drift"]["signs"]["unheard"]
    assert unheard and f">{sign['new']} of {sign['of']}<" in unheard[1] and ">yes<" in unheard[1]
    assert 'id="update"' not in page, "only where there was one"


def test_what_a_person_moved_stays_and_goes_on(run: Path, tmp_path: Path) -> None:
    file = run / "001/step3_result.jsonl"
    rows = [json.loads(x) for x in file.read_text().splitlines()]
    moved = rows[0]["image"]
    rows[0] |= {"cluster": "guitar" if rows[0]["cluster"] != "guitar" else "cat", "by": "person"}
    file.write_text("".join(json.dumps(r) + "\n" for r in rows))
    note = json.dumps({"do": "move", "images": [moved], "cluster": rows[0]["cluster"]}) + "\n"
    (run / "001/corrections.jsonl").write_text(note)
    update(run, write(tmp_path / "new.jsonl", [*OLD, *NEW]))
    assert clusters(run, "002")[moved] == rows[0]
    assert (run / "002/corrections.jsonl").read_text() == note
    assert "corrections.jsonl" in json.loads((run / "002/DONE").read_text())["files"]


def test_step_3_after_an_update_is_another_revision(run: Path, tmp_path: Path) -> None:
    update(run, write(tmp_path / "new.jsonl", [*OLD, *NEW]))
    before = result_files(run / "002")
    assert told("step3", run)["revision"] == "003"
    assert result_files(run / "002") == before
    assert update(run, "--revision", "002")["update"]["nothing"]


def test_names_levels_and_unsure_of_the_run_are_kept(tmp_path: Path) -> None:
    names = tmp_path / "names"
    names.write_text("cat\ntruck\nguitar\napple\n")
    old = [*OLD, *(row(70 + i, "apple") for i in range(16))]
    words = ("--names", names, "--levels", 2, "--min-confidence", 0.3, "--outliers", "unsure")
    run = tmp_path / "run"
    told("run", write(tmp_path / "d.jsonl", old), "-c", "object", *words, "-o", run, "--no-report")
    names.unlink()
    odd = {"image": "odd.png", "text": "Zzyzx quux 0x00ff stack trace heap overflow at line 7, segmentation fault."}
    found = update(run, write(tmp_path / "new.jsonl", [*old, *NEW, odd]))
    assert sorted(c["name"] for c in found["clusters"]) == ["apple", "cat", "guitar", "truck"]
    assert sorted(c for g in found["groups"] for c in g["clusters"]) == ["apple", "cat", "guitar", "truck"]
    after = clusters(run, "002")
    assert after["odd.png"]["cluster"] is None and "outlier" in after["odd.png"]["evidence"]
    assert all(after[r["image"]]["cluster"] in r["image"] for r in NEW)
    assert found["outliers"]["images"] >= 1 and found["update"]["unassigned"] == 1


def test_outliers_that_have_a_cluster_get_the_new_ones(tmp_path: Path) -> None:
    run, odd = tmp_path / "run", "Zzyzx quux 0x00ff stack trace heap overflow at line {}, segmentation fault."
    old = [*OLD, {"image": "odd.png", "text": odd.format(7)}]
    words = ("-c", "object", "-k", 3, "--outliers", "cluster", "-o", run, "--no-report")
    told("run", write(tmp_path / "d.jsonl", old), *words)
    assert clusters(run, "001")["odd.png"]["cluster"] == "outliers"
    found = update(run, write(tmp_path / "new.jsonl", [*old, *NEW, {"image": "odd2.png", "text": odd.format(9)}]))
    after = clusters(run, "002")
    assert {after["odd.png"]["cluster"], after["odd2.png"]["cluster"]} == {"outliers"}
    assert found["outliers"]["cluster"] == "outliers" and found["outliers"]["images"] >= 2
    assert all(after[r["image"]]["cluster"] in r["image"] for r in NEW)


def disc(file: Path, colour: str, seed: int) -> None:
    y, x = np.mgrid[:64, :64]
    pixels = np.full((64, 64, 3), 225.0)
    pixels[(x - 32) ** 2 + (y - 32) ** 2 < 650] = COLOURS[colour]
    pixels += np.random.default_rng(seed).normal(0, 6, pixels.shape)
    Image.fromarray(pixels.clip(0, 255).astype("uint8")).save(file)


@pytest.mark.parametrize("command", [("run", "-c", "dominant colour"), ("cluster",)], ids=["run", "cluster"])
def test_a_folder_by_content(tmp_path: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_coloured(tmp_path / "work" / "pictures", each=8)
    verb, *words = command
    run = tmp_path / "run"
    monkeypatch.chdir(tmp_path / "work")
    told(verb, "pictures", *words, "-k", 3, "-o", run, "--no-report")
    names = {r["image"].split("/")[0]: r["cluster"] for r in clusters(run, "001").values()}
    (folder / "red/red-0.png").rename(folder / "green/was-red.png")
    shutil.copy(folder / "green/green-1.png", folder / "copy.png")
    (folder / "blue/blue-1.png").unlink()
    disc(folder / "red/red-3.png", "blue", 1)
    disc(folder / "new.png", "green", 2)
    (folder / "bad.png").write_bytes(b"\x89PNG no more")
    (folder / "blue/blue-2.png").write_bytes(b"")
    monkeypatch.chdir(tmp_path)  # where there is no `pictures`
    found = update(run, "--fail-on-error", 0.4, code=4)
    counts = {k: n for k, n in found["update"]["changes"].items() if k != "images" and n}
    assert counts == {"new": 2, "changed": 2, "renamed": 1, "copied": 1, "removed": 1, "unchanged": 20}
    assert "--fail-on-error" in found["error"]
    before, after = clusters(run, "001"), clusters(run, "002")
    assert after["green/was-red.png"] == {**before["red/red-0.png"], "image": "green/was-red.png"}
    assert after["copy.png"]["cluster"] == before["green/green-1.png"]["cluster"]
    assert after["red/red-3.png"]["cluster"] == names["blue"] and after["new.png"]["cluster"] == names["green"]
    assert {"bad.png", "blue/blue-2.png"}.isdisjoint(after) and "blue/blue-1.png" not in after
    assert {json.loads(x)["image"] for x in (run / "002/failures.jsonl").read_text().splitlines()} == {
        "bad.png", "blue/blue-2.png"}  # fmt: skip
    assert update(run)["update"]["nothing"]
    report = invoke("update", run, "--revision", "001", "--fail-on-error", 1)
    assert report.exit_code == 3 and (run / "report.html").exists()


def test_a_file_that_cannot_be_read_is_told_once(tmp_path: Path) -> None:
    folder, listed, run = write_coloured(tmp_path / "pictures", each=4), tmp_path / "list.txt", tmp_path / "run"
    files = [str(f) for f in sorted(folder.rglob("*.png"))]
    listed.write_text("\n".join([*files, "gone.png"]))
    told("run", listed, "-c", "dominant colour", "-k", 3, "-o", run, "--no-report", code=3)
    assert update(run)["update"]["nothing"], "what could not be read before is nothing new"
    listed.write_text("\n".join([*files, "gone.png", "too.png"]))
    done = invoke("update", run)
    assert done.exit_code == 4 and "too.png" in done.stderr and "gone.png" not in done.stderr
    disc(folder / "new.png", "red", 4)
    listed.write_text("\n".join([*files[1:], files[0] + ".gone", str(folder / "new.png"), "gone.png"]))
    (folder / "new.png").rename(folder / "x.png")
    listed.write_text(listed.read_text().replace("new.png", "x.png"))
    found = update(run, "--fail-on-error", 0.5, code=3)
    assert found["update"]["changes"]["new"] == 1 and found["update"]["changes"]["removed"] == 1
    Path(files[5]).unlink()
    found = update(run, code=4)
    assert found["update"]["changes"]["unreadable"] == 1 and found["update"]["changes"]["removed"] == 0
    assert "missing-file" in found["error"]


def test_a_lane_with_prompts_density_and_texts(tmp_path: Path) -> None:
    folder, prompts = write_coloured(tmp_path / "pictures", each=12), tmp_path / "p.toml"
    prompts.write_text('classes = ["red", "green", "blue"]\n')
    run, ways = tmp_path / "run", [("--prompts", prompts, "-k", 3), ("--clusterer", "hdbscan"),
                                   ("--clusterer", "agglomerative", "-k", 3)]  # fmt: skip
    made = [told("cluster", folder, *words, "-o", run, "--no-report")["revision"] for words in ways]
    prompts.unlink()
    for colour in COLOURS:
        disc(folder / f"new-{colour}.png", colour, 5)
    for revision in made:
        found = update(run, "--revision", revision)
        assert found["update"]["tried"] == 3
        own = {r["image"].split("/")[0]: r["cluster"] for r in clusters(run, revision).values() if r["cluster"]}
        after = clusters(run, found["revision"])
        assert own and all(after[f"new-{c}.png"]["cluster"] == own[c] for c in own)


@pytest.mark.parametrize("words,says", [
    (["no/such/folder"], "does not exist"),
    (["recorded:{other}"], "nothing would be left"),
    (["{folder}"], "descriptions alone"),
    (["--revision", "009"], "no revision"),
    (["--budget", "5%"], "needs a language model"),
    (["--describer", "nobody:x"], "Unknown describer"),
])  # fmt: skip
def test_what_cannot_be(run: Path, tmp_path: Path, words: list[str], says: str) -> None:
    write(tmp_path / "other.jsonl", NEW)
    folder = write_coloured(tmp_path / "pictures", each=1)
    done = invoke("update", run, *(w.format(other=tmp_path / "other.jsonl", folder=folder) for w in words))
    assert done.exit_code == 2 and says in done.stderr and "Traceback" not in done.stderr
    assert not (run / "002").exists()


def test_no_run_and_an_unfinished_one(tmp_path: Path) -> None:
    assert invoke("update", tmp_path / "none").exit_code == 2
    told("step1", write(tmp_path / "d.jsonl", OLD), "-c", "object", "-o", tmp_path / "run")
    done = invoke("update", tmp_path / "run")
    assert done.exit_code == 2 and "step" in done.stderr


def test_an_imported_run_says_what_it_needs(tmp_path: Path, run: Path) -> None:
    state = json.loads((run / "run.json").read_text())
    state["revisions"]["001"]["settings"] |= {"describer": "imported", "reasoner": "imported"}
    (run / "run.json").write_text(json.dumps(state))
    done = invoke("update", run)
    assert done.exit_code == 2 and "--describer SPEC --reasoner SPEC" in done.stderr
    file = write(tmp_path / "new.jsonl", [*OLD, *NEW])
    assert update(run, file, "--describer", "offline", "--reasoner", "offline")["update"]["changes"]["new"] == 9
