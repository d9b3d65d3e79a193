"""Images unlike all others, from the command line: counted, left out, or a cluster of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import invoke, result_files
from tests.remembering import Remembering
from tests.servers.scripted import ScriptedServer
from tests.servers.thinking import thinking

KINDS = ("cat", "truck", "guitar")
SCENES = (
    "A {} is to be seen near a window, in soft light.",
    "The image shows a {} on the left of the picture.",
    "There is a large {} in front of a wall.",
    "One {} and nothing else, photographed from above.",
    "A small {} on a wooden floor.",
    "The image shows an old {} in the sun.",
    "A {} beside a green door.",
    "Somebody has put a {} on a table.",
)
ODD = (
    "A scanned invoice with a table of item numbers, quantities and prices in euros.",
    "A weather map with isobars and a low pressure area over the Atlantic.",
)


@pytest.fixture
def captions(tmp_path: Path) -> Path:
    """48 descriptions of three kinds, and two of other things."""
    texts = [(kind, scene.format(kind)) for scene in SCENES for kind in KINDS for _ in range(2)]
    texts += [("odd", text) for text in ODD]
    file = tmp_path / "captions.jsonl"
    rows = ({"image": f"{i}_{kind}.png", "text": text} for i, (kind, text) in enumerate(texts))
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def ictc(*words: object, code: int = 0, env: dict[str, str] | None = None) -> tuple[dict[str, Any], str]:
    done = invoke(*words, "--json", env=env)
    assert done.exit_code == code, done.stderr
    return json.loads(done.stdout), done.stderr


def run(captions: Path, folder: Path, *more: object) -> tuple[dict[str, Any], str]:
    return ictc("run", f"recorded:{captions}", "-c", "object", "-k", 3, "-o", folder, "--no-report", *more)


def rows(folder: Path, revision: str = "001") -> dict[str, dict[str, Any]]:
    found = map(json.loads, (folder / revision / "step3_result.jsonl").read_text().splitlines())
    return {row["image"]: row for row in found}


def odd(folder: Path, revision: str = "001") -> list[dict[str, Any]]:
    found = [row for image, row in rows(folder, revision).items() if image.endswith("_odd.png")]
    assert len(found) == len(ODD)
    return found


def test_by_default_they_stay_and_are_told(captions: Path, tmp_path: Path) -> None:
    done, said = run(captions, tmp_path / "run")
    assert {r["cluster"] for r in odd(tmp_path / "run")} <= set(KINDS)
    told = done["outliers"]
    assert (told["images"], told["of"], told["share"], told["choice"]) == (2, 50, 0.04, "keep")
    assert sorted(told["examples"]) == ["48_odd.png", "49_odd.png"]
    assert "2 of 50 images (4.0 %) are unlike all others" in said and "--outliers unsure" in said
    assert done["notes"] and ictc("show", tmp_path / "run")[0]["outliers"] == told
    again, _ = run(captions, tmp_path / "run", "--outliers", "keep")
    assert again["reused"] and again["outliers"] == told


def test_left_out_they_have_no_cluster_and_say_what_they_might_be(captions: Path, tmp_path: Path) -> None:
    done, said = run(captions, tmp_path / "run", "--outliers", "unsure", "--truth", "filename")
    assert done["k"] == 3 and done["unassigned"] == done["outliers"]["images"] == 2
    assert all(r["cluster"] is None and r["evidence"].startswith("outlier, perhaps ") for r in odd(tmp_path / "run"))
    assert done["off_list"] == 0, "nobody answered off the list"
    assert "No cluster has them" in said
    assert all(r["cluster"] for image, r in rows(tmp_path / "run").items() if "_odd" not in image)


def test_as_a_cluster_they_are_beside_the_names_and_scored_as_one(captions: Path, tmp_path: Path) -> None:
    done, _ = run(captions, tmp_path / "run", "--outliers", "cluster", "--truth", "filename")
    assert done["k"] == 3 and done["unassigned"] == 0 and done["outliers"]["cluster"] == "outliers"
    sizes = {c["name"]: c["images"] for c in done["clusters"]}
    assert sizes == {"cat": 16, "truck": 16, "guitar": 16, "outliers": 2}
    assert done["acc"] == 1, "a class as any other"
    assert "findings" not in done, "nothing is odd about a cluster of the odd"
    assert invoke("report", tmp_path / "run").exit_code == 0
    page = (tmp_path / "run" / "report.html").read_text()
    assert "images unlike all others" in page and "2 of 50 images (4.0 %)" in page and "--outliers cluster" in page


@pytest.mark.parametrize("choice", ["unsure", "cluster"])
def test_step_by_step_is_the_same_as_at_once(captions: Path, tmp_path: Path, choice: str) -> None:
    run(captions, tmp_path / "once", "--outliers", choice)
    steps = tmp_path / "steps"
    ictc("step1", f"recorded:{captions}", "-c", "object", "-o", steps)
    ictc("step2a", steps, "--outliers", choice)
    merged, _ = ictc("step2b", steps, "-k", 3)
    assert merged["k"] == 3
    done, _ = ictc("step3", steps)
    assert done["outliers"]["choice"] == choice, "the choice goes with the run"
    assert result_files(steps / done["revision"]) == result_files(tmp_path / "once" / "001")


def test_chosen_at_step_3_the_names_follow(captions: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run(captions, folder)
    run(captions, tmp_path / "once", "--outliers", "cluster")
    done, _ = ictc("step3", folder, "--outliers", "cluster")
    assert done["revision"] == "002" and result_files(folder / "002") == result_files(tmp_path / "once" / "001")
    again, _ = ictc("step3", folder)
    assert again["revision"] == "002" and result_files(folder / "002") == result_files(tmp_path / "once" / "001")
    back, _ = ictc("step3", folder, "--outliers", "keep")
    assert back["revision"] == "003" and result_files(folder / "003") == result_files(folder / "001")


def test_with_names_of_ones_own_theirs_comes_beside(captions: Path, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("guitar\ncat\noutliers\n")
    done, _ = run(captions, tmp_path / "run", "--names", names, "--outliers", "cluster")
    assert done["k"] == 3 and done["outliers"]["cluster"] == "other outliers"
    assert [r["cluster"] for r in odd(tmp_path / "run")] == ["other outliers"] * 2


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(thinking(lambda text: next((k for k in KINDS if k in text), "cat"))) as started:
        yield started


@pytest.mark.parametrize("cascade", [(), ("--cascade", "--budget", "50%")])
def test_what_a_model_said_moves_all_the_same(
    captions: Path, server: ScriptedServer, tmp_path: Path, cascade: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    model = ("--reasoner", f"openai:tiny@{server.url}", *cascade)
    run(captions, tmp_path / "run", *model)
    asked = server.count
    kept = odd(tmp_path / "run")
    done, _ = run(captions, tmp_path / "run", *model, "--outliers", "cluster")
    assert server.count == asked, "the model is not asked again, and never about the outliers' cluster"
    assert bool(done.get("cascade")) == bool(cascade)
    moved = odd(tmp_path / "run", "002")
    assert [r["cluster"] for r in moved] == ["outliers"] * 2 and [r["by"] for r in moved] == [r["by"] for r in kept]
    assert all(r["evidence"].startswith(f"outlier, perhaps {k['cluster']}: ") for r, k in zip(moved, kept, strict=True))
    assert not any('"outliers"' in json.dumps(body) for body in server.bodies)


def test_a_dry_run_asks_and_embeds_nothing(
    captions: Path, server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setattr(Remembering, "embed_texts", None)
    run(captions, tmp_path / "run", "--reasoner", f"openai:tiny@{server.url}", "--outliers", "cluster", "--dry-run")
    assert server.count == 0


def test_another_choice_is_refused(captions: Path, tmp_path: Path) -> None:
    assert invoke("run", f"recorded:{captions}", "-c", "object", "--outliers", "drop").exit_code == 2
