"""`ictc refine` on runs that no language model made: of pictures, of vectors, cascades, and imported ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TEXTS, invoke
from tests.servers.scripted import ScriptedServer
from tests.servers.thinking import thinking


def done(*words: object) -> dict[str, Any]:
    found = invoke(*words, "--json")
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)  # type: ignore[no-any-return]


def sizes(told: dict[str, Any]) -> dict[str, int]:
    return {c["name"]: c["images"] for c in told["clusters"]}


@pytest.mark.parametrize("lane", ["run", "cluster"])
def test_pictures(coloured: Path, tmp_path: Path, lane: str) -> None:
    run = tmp_path / "run"
    words = ["-c", "dominant colour"] if lane == "run" else []
    first = done(lane, coloured, *words, "-k", 3, "-o", run, "--no-report")
    a, b, c = list(sizes(first))
    dropped = done("refine", run, "--drop", a)
    assert dropped["k"] == 2 and sum(sizes(dropped).values()) == 12 and dropped["requests"] == 0
    assert done("refine", run, "--undo")["k"] == 3
    if lane == "run":  # discs of one colour are described alike
        told = invoke("refine", run, "--split", b)
        assert told.exit_code == 2 and "1 different description" in " ".join(told.output.split())
    else:
        split = done("refine", run, "--split", b)
        assert split["k"] == 4 and sizes(split)[a] == sizes(first)[a]
    pinned = done("refine", run, "--pin", c, "-k", 2)
    assert pinned["k"] == 2 and sizes(pinned)[c] == sizes(first)[c] and sum(sizes(pinned).values()) == 12
    moved = done("refine", run, "--move", f"*red-0.png={c}")
    assert moved["difference"]["moved"] <= 1
    assert done("score", run, "--truth", "folder")["n"] == 12
    assert invoke("report", run).exit_code == 0


def test_another_criterion_looks_at_no_picture_twice(coloured: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    done("run", coloured, "-c", "dominant colour", "-k", 3, "-o", run, "--no-report")
    told = done("refine", run, "-c", "brightness", "-k", 2)
    plain = done("run", coloured, "-c", "brightness", "-k", 2, "-o", tmp_path / "other", "--no-report")
    assert sizes(told) == sizes(plain)
    kept = done("refine", run, "--revision", "001", "-c", "brightness", "-k", 2, "--keep-descriptions")
    assert kept["revision"] != told["revision"]
    files = [(run / i / "step1_result.jsonl").read_bytes() for i in ("001", kept["revision"])]
    assert files[0] == files[1]


def test_a_run_of_the_original(captions: Path, tmp_path: Path) -> None:
    folder = tmp_path / "original"
    folder.mkdir()
    rows = [json.loads(line) for line in captions.open()]
    names = {r["image"]: r["image"].split("_")[1].removesuffix(".png") for r in rows}
    step1 = "".join(json.dumps({"image_file": r["image"], "text": r["text"]}) + "\n" for r in rows)
    (folder / "step1_result.jsonl").write_text(step1)
    for step in ("step2a_result.txt", "step3_result.txt"):
        (folder / step).write_text("".join(f"Image file-x/{i} Answer: {n}\n" for i, n in names.items()))
    (folder / "step2b_result.txt").write_text("1: cat\n2: truck\n3: guitar\n")
    run = tmp_path / "run"
    done("import", folder, "-c", "object", "-o", run)
    told = done("refine", run, "--drop", "cat", "--rename", "truck=lorry")
    assert sum(sizes(told).values()) == 36 and set(sizes(told)) == {"lorry", "guitar"}
    assert done("refine", run, "-k", 3)["k"] == 3
    assert done("refine", run, "-c", "what is shown", "-k", 2)["k"] == 2
    assert invoke("report", run).exit_code == 0


def test_a_cascade_asks_no_more_than_its_share_about_what_a_change_concerns(captions: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"

    def kind(text: str) -> str:
        return next((k for k in TEXTS if k in text.casefold()), "nothing")

    with ScriptedServer(thinking(kind)) as server:
        words = ["--reasoner", f"openai:any@{server.url}", "--cascade", "--budget", "25%", "-o", run, "--no-report"]
        first = done("run", f"recorded:{captions}", "-c", "object", "-k", 3, *words)
        name, images = next(iter(sizes(first).items()))
        for change, most, k in (
            (("--drop", name), images // 2, 2),
            (("--split", name), images // 2, 4),
            (("--split", f"{name}=one+other"), images // 2, 4),
            (("--add", "a red truck"), 18, 4),
            (("-k", 2), 18, 2),
        ):
            before = server.count
            planned = done("refine", run, *change, "--dry-run")["requests"]["high"]
            assert server.count == before
            told = done("refine", run, *change)
            assert (told["k"], told["requests"]) == (k, server.count - before)
            assert 0 < told["requests"] <= planned <= most, change
            done("refine", run, "--undo")


def test_min_confidence_and_outliers_stay_what_they_were(captions: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in captions.open()]
    rows += [{"image": "odd.png", "text": "An invoice of 1987 with a stamp and columns of figures in German."}]
    captions.write_text("".join(json.dumps(r) + "\n" for r in rows))
    run = tmp_path / "run"
    words = ["-c", "object", "-k", 3, "--outliers", "cluster", "-o", run, "--no-report"]
    odd = sizes(done("run", f"recorded:{captions}", *words))["outliers"]
    assert odd
    told = done("refine", run, "--drop", "cat")
    assert sizes(told)["outliers"] == odd and told["k"] == 2
    again = done("refine", run, "-k", 3)
    assert sizes(again)["outliers"] == odd and again["k"] == 3
    unsure = done("step3", run, "--min-confidence", 0.99)
    dropped = done("refine", run, "--drop", next(iter(sizes(unsure))))
    assert dropped["unassigned"] >= unsure["unassigned"] > 0
