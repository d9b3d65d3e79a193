"""`ictc run --sample` as one types it, and all that is done with such a run afterwards."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TEXTS, invoke, result_files, write_coloured
from tests.servers.scripted import ScriptedServer
from tests.servers.thinking import thinking
from tests.vectored import write_beside

KIND = {"red": "cat", "green": "truck", "blue": "guitar"}
EACH = 25
World = tuple[Path, str, str]
"""Images, the spec of their descriptions, and that of vectors that tell the classes apart."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    images = write_coloured(folder / "images", EACH, 8)
    rows = [
        {"image": f"{c}/{c}-{i}.png", "text": f"{TEXTS[kind][i % 3]} It is picture number {i} of {c}."}
        for c, kind in KIND.items()
        for i in range(EACH)
    ]
    file = folder / "captions.jsonl"
    file.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return images, f"recorded:{file}", write_beside(images, folder / "vectors.npy")


def told(*words: object, code: int = 0) -> dict[str, Any]:
    done = invoke(*words, "--json")
    assert done.exit_code == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def sampled(world: World, run: Path, *words: object, size: object = 25, code: int = 0) -> dict[str, Any]:
    images, captions, vectors = world
    own = ("--describer", captions) if "--describer" not in words and "--model" not in words else ()
    asked = ("-c", "object", "-k", 3, "--no-report") if "-c" not in words else ("--no-report",)
    given = ("--sample", size, "--sample-embedder", vectors)
    return told("run", images, *own, *asked, *given, *words, "-o", run, code=code)


def lines(run: Path, name: str, revision: str = "001") -> list[dict[str, Any]]:
    return [json.loads(x) for x in (run / revision / name).read_text().splitlines()]


def right(run: Path, revision: str = "001") -> float:
    """The share of the images that are in the cluster that most of their colour are in."""
    rows = lines(run, "step3_result.jsonl", revision)
    most = {c: Counter(r["cluster"] for r in rows if r["image"].startswith(c)).most_common(1)[0][0] for c in KIND}
    assert len({*most.values()}) == 3
    return sum(r["cluster"] == most[r["image"].partition("/")[0]] for r in rows) / len(rows)


@pytest.fixture(scope="module")
def base(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("base") / "run"
    sampled(world, run)
    return run


@pytest.fixture
def run(base: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(base, tmp_path / "run"))


def test_a_third_is_described_and_the_rest_is_carried(world: World, base: Path) -> None:
    found = sampled(world, base)
    assert found["reused"] and (found["images"], found["described"], found["assigned"]) == (75, 25, 75)
    account = found["sample"]
    assert (account["described"], account["cover"], account["uncertain"], account["audited"]) == (25, 15, 5, 5)
    assert (account["probed"], account["disagreed"], account["disagreement"]) == (50, 0, 0)
    assert account["high"] < 0.5 and any("disagreement with describing everything" in n for n in found["notes"])
    assert len(lines(base, "step1_result.jsonl")) == len(lines(base, "step2a_result.jsonl")) == 25
    rows = lines(base, "step3_result.jsonl")
    assert [r["image"] for r in rows] == [r["image"] for r in lines(base, "images.jsonl")]
    probed = [r for r in rows if r["by"] == "probe"]
    assert len(probed) == 50 and all(0 < r["confidence"] <= 1 and r["evidence"].startswith("like ") for r in probed)
    assert right(base) == 1
    why = {r["image"]: r["why"] for r in lines(base, "sample.jsonl")}
    assert {*why} == {r["image"] for r in rows if r["by"] != "probe"}


def test_the_same_again_in_another_folder_has_the_same_bytes(world: World, base: Path, tmp_path: Path) -> None:
    sampled(world, tmp_path / "again")
    assert result_files(tmp_path / "again" / "001") == result_files(base / "001")
    assert lines(tmp_path / "again", "sample.jsonl") == lines(base, "sample.jsonl")


def test_another_size_or_seed_is_another_revision_and_all_is_no_sample(world: World, run: Path) -> None:
    assert sampled(world, run, size=30)["revision"] == "002"
    assert sampled(world, run, "--sample-seed", 1)["revision"] == "003"
    one, other = ({r["image"] for r in lines(run, "sample.jsonl", r) if r["why"] == "cover"} for r in ("001", "002"))
    assert one < other, "a larger sample has the smaller one in it"
    whole = sampled(world, run, size="100%")
    assert "sample" not in whole and whole["described"] == 75
    assert sampled(world, run, size=500)["revision"] == whole["revision"]
    images, captions, _ = world
    plain = told("run", images, "-c", "object", "-k", 3, "--describer", captions, "--no-report", "-o", run)
    assert plain["reused"] and plain["revision"] == whole["revision"]
    assert "sample" not in json.loads((run / "run.json").read_text())["revisions"][whole["revision"]]["settings"]


def test_another_criterion_or_k_describes_the_same_images_again(world: World, run: Path) -> None:
    cover = {r["image"] for r in lines(run, "sample.jsonl") if r["why"] == "cover"}
    found = sampled(world, run, "-c", "thing that is shown", "-c", "object", "-k", 4)
    assert [r["revision"] for r in found["runs"]] == ["002", "003"]
    for revision in ("002", "003"):
        assert {r["image"] for r in lines(run, "sample.jsonl", revision) if r["why"] == "cover"} == cover
        assert len(lines(run, "step3_result.jsonl", revision)) == 75


def test_auto_grows_until_nothing_changes(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ictc.sampling.plan.FIRST", 15)
    monkeypatch.setattr("ictc.sampling.plan.EACH", 5)
    found = sampled(world, tmp_path / "run", size="auto")["sample"]
    assert found["settled"] and [r[0] for r in found["rounds"]] == [15, 30]
    assert found["described"] == 30 and found["probed"] == 45
    assert right(tmp_path / "run") == 1


def test_all_that_is_done_with_a_run_is_done_with_this_one(world: World, run: Path, tmp_path: Path) -> None:
    scores = told("score", run, "--truth", "folder")
    assert scores["acc"] == 1 and scores["silhouette"] > 0.3 and scores["without_confidence"] == 0
    assert invoke("report", run).exit_code == 0 and (run / "report.html").stat().st_size > 10_000
    shown = told("show", run)
    assert shown["sample"]["probed"] == 50
    out = tmp_path / "out.csv"
    assert invoke("export", run, "--to", "csv", "-o", out).exit_code == 0
    assert len(out.read_text().splitlines()) == 76 and "probe" in out.read_text()
    for words in (("analyze", run), ("map", run, "--method", "pca"), ("report", run)):
        assert invoke(*words).exit_code == 0, words


def test_corrections_reach_images_that_nobody_described(world: World, run: Path) -> None:
    names = [c["name"] for c in told("show", run)["clusters"]]
    probed = [r["image"] for r in lines(run, "step3_result.jsonl") if r["by"] == "probe"]

    cats = next(r["cluster"] for r in lines(run, "step3_result.jsonl") if r["image"].startswith("red"))

    def refine(*words: object) -> dict[str, Any]:
        return told("refine", run, *words, "--yes")

    refine("--rename", f"{names[0]}=beasts", "--move", f"{probed[0]}={names[1]}")
    rows = {r["image"]: r for r in lines(run, "step3_result.jsonl", "002")}
    assert rows[probed[0]]["cluster"] == names[1] and "beasts" in {r["cluster"] for r in rows.values()}
    fewer = refine("-k", 2)
    assert (fewer["assigned"], fewer["images"], told("show", run)["sample"]["probed"]) == (75, 75, 50)
    dropped = refine("--revision", "001", "--drop", names[2])
    assert dropped["assigned"] == 75 and names[2] not in {c["name"] for c in dropped["clusters"]}
    parts = refine("--revision", "001", "--split", f"{cats}=sofa+window")
    assert parts["assigned"] == 75 and parts["k"] == 4
    told_apart = {r["image"] for r in lines(run, "step3_result.jsonl", parts["revision"]) if r["by"] == "probe"}
    assert told_apart == {*probed}
    again = refine("--revision", "001", "-c", "what is shown")
    assert again["described"] == 25 and again["assigned"] == 75


def test_step_by_step_and_new_images(world: World, run: Path, tmp_path: Path) -> None:
    before = result_files(run / "001")
    assert invoke("step3", run).exit_code == 0
    assert result_files(run / "001") == before
    assert invoke("step2b", run, "-k", 2).exit_code == 0
    assert told("step3", run)["assigned"] == 75
    assert told("show", run)["k"] == 2
    images = world[0]
    fewer = Path(shutil.copytree(images, tmp_path / "fewer"))
    (fewer / "red" / "red-0.png").rename(fewer / "red" / "red-99.png")
    (fewer / "red" / "red-1.png").unlink()
    shutil.copy(images / "blue" / "blue-3.png", fewer / "blue" / "copy.png")
    found = told("update", run, fewer, "--revision", "001", "--no-report")
    assert found["images"] == 75 and found["assigned"] == 75 and found["update"]["changes"]["new"] == 0
    moved = told("refine", run, "-k", 2, "--yes")
    assert moved["assigned"] == 75, "an update knows who was described"


def test_a_language_model_is_asked_about_the_sample_alone(world: World, tmp_path: Path) -> None:
    colour = {(200, 25, 30): "cat", (35, 150, 50): "truck", (30, 60, 190): "guitar"}

    def look(picture: Any) -> str:
        middle = picture.convert("RGB").getpixel((picture.width // 2, picture.height // 2))
        near = min(colour, key=lambda rgb: sum((a - b) ** 2 for a, b in zip(rgb, middle, strict=True)))
        return f"There is a {colour[near]} here."

    with ScriptedServer(thinking(lambda text: text.split()[3], look)) as server:
        model = f"openai:m@{server.url}"
        plan = sampled(world, tmp_path / "run", "--model", model, "--dry-run")
        assert server.count == 0 and not (tmp_path / "run").exists()
        assert plan["steps"][0]["requests"] == {"low": 25, "likely": 25, "high": 25}
        assert plan["embedding"]["to_embed"] == 75 and "25 of 75" in plan["remarks"][0]
        found = sampled(world, tmp_path / "run", "--model", model)
        assert found["spent"]["requests"] == server.count <= 2 * 25 + 4, "equal descriptions are asked about once"
        assert found["described"] == 25 and right(tmp_path / "run") == 1
        before = server.count
        larger = sampled(world, tmp_path / "run", "--model", model, size=30)
        assert larger["described"] == 30 and server.count - before <= 5 + 5 + 3 + 3, "what was answered stays"
        cascade = sampled(world, tmp_path / "run", "--model", model, "--budget", "50%", "--min-confidence", "0.2")
        assert cascade["cascade"]["images"] == 25 and cascade["sample"]["probed"] == 50
        assert cascade["assigned"] + cascade["unassigned"] == 75


def test_some_of_the_sample_may_fail_and_so_may_some_vectors(world: World, tmp_path: Path) -> None:
    images, captions, _ = world
    file = Path(captions.removeprefix("recorded:"))
    kept = [x for i, x in enumerate(file.read_text().splitlines()) if i % 5]
    (tmp_path / "some.jsonl").write_text("\n".join(kept) + "\n")
    more = Path(shutil.copytree(images, tmp_path / "images"))
    (more / "red" / "broken.png").write_bytes(b"")
    shutil.copy(more / "red" / "red-2.png", more / "red" / "red-2 (copy).png")
    other = (more, f"recorded:{tmp_path / 'some.jsonl'}", world[2])
    found = sampled(other, tmp_path / "run", code=3)
    assert found["images"] == 77 and found["failed"] >= 2
    codes = Counter(f["code"] for f in lines(tmp_path / "run", "failures.jsonl"))
    assert codes["no-vector"] == 1 and codes["not-recorded"] == found["failed"] - 1 > 0
    assert found["assigned"] == 77 - found["failed"]
    rows = {r["image"]: r["cluster"] for r in lines(tmp_path / "run", "step3_result.jsonl")}
    assert rows["red/red-2.png"] == rows["red/red-2 (copy).png"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--sample", "0"), "--sample is '0'"),
        (("--sample", "many"), "--sample is 'many'"),
        (("--sample", "150%"), "--sample is '150%'"),
        (("--sample", "1%"), "is none"),
        (("--sample", "2"), "K is 3, but the sample has only 2"),
        (("--outliers", "cluster"), "--outliers cluster"),
        (("--sample-embedder", "sbert:"), "texts, not images"),
        (("--sample-embedder", "described:offline"), "describes every image"),
        (("--sample-embedder", "nobody"), "Unknown embedder"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_described(
    world: World, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    found = sampled(world, tmp_path / "run", *words, code=2)
    assert said in found["error"] and found["hint"]
    assert not list(tmp_path.glob("run/0*"))


def test_descriptions_alone_have_no_looks_but_by_vectors_of_them(world: World, tmp_path: Path) -> None:
    _, captions, vectors = world
    asked = ("run", captions, "-c", "object", "-k", 3, "--sample", 25, "--no-report", "-o", tmp_path / "run")
    assert "descriptions alone" in told(*asked, code=2)["error"]
    assert told(*asked, "--sample-embedder", vectors)["sample"]["probed"] == 50


def test_nothing_described_or_nothing_embedded_ends_with_the_reason(world: World, tmp_path: Path) -> None:
    (tmp_path / "other.jsonl").write_text('{"image": "elsewhere.png", "text": "A cat."}\n')
    found = sampled(world, tmp_path / "run", "--describer", f"recorded:{tmp_path / 'other.jsonl'}", code=4)
    assert "None of the 25 images could be described" in found["error"]
    elsewhere = write_beside(write_coloured(tmp_path / "few", 1, 12), tmp_path / "few.npy")
    found = sampled((world[0], world[1], elsewhere), tmp_path / "run2", code=4)
    assert "could be embedded" in found["error"] and "--sample-embedder" in found["hint"]
