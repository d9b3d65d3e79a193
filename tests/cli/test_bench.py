"""`ictc bench` as one types it, on tiny prepared sets: the run it leaves, its row beside the published ones, what it
refuses."""

from __future__ import annotations

import csv
import gzip
import json
import os
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from ictc.datasets.layout import BEGUN, write_state
from tests.conftest import TEXTS, invoke, result_files, write_coloured
from tests.servers.scripted import ScriptedServer
from tests.servers.thinking import thinking

DATA = os.environ.get("ICTC_DATA")


def write_prepared(folder: Path, rows: list[dict[str, str]], **request: Any) -> None:
    """What `ictc data prepare` leaves, beside the images."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "metadata.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    more = {"images": len(rows), "gone": 0, "counts": {}, "table": "", "sources": [], "unpacked": False}
    write_state(folder, {"request": {"dataset": folder.name, "split": "test", **request}, **more})


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three kinds of things as "cifar-10" with their descriptions beside it, colours as "fruits-360"."""
    root = tmp_path_factory.mktemp("root")
    kinds = list(TEXTS)
    rows, told = [], []
    (root / "cifar-10").mkdir()
    for i in range(18):
        kind, name = kinds[i % 3], f"{i}_{kinds[i % 3]}.png"
        Image.fromarray(np.full((8, 8), 10 * i, np.uint8)).save(root / "cifar-10" / name)
        rows.append({"file_name": name, "object": kind})
        told.append({"image": name, "text": f"{TEXTS[kind][i // 3 % 3]} It is picture {i}."})
    write_prepared(root / "cifar-10", rows)
    (root / "told.jsonl").write_text("".join(json.dumps(t) + "\n" for t in told))
    write_coloured(root / "fruits-360")
    files = sorted((root / "fruits-360").rglob("*.png"))
    write_prepared(
        root / "fruits-360",
        [{"file_name": f"{f.parent.name}/{f.name}", "type": "ball", "colour": f.parent.name} for f in files],
    )
    return root


@pytest.fixture(scope="module")
def made(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A benchmark of given descriptions, K 3."""
    run = tmp_path_factory.mktemp("made") / "run"
    return run, benched("cifar-10", *language(root), "-k", 3, "-o", run)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def language(root: Path) -> tuple[object, ...]:
    return ("--root", root, "--describer", f"recorded:{root / 'told.jsonl'}", "--no-report")


def benched(*words: object, code: int = 0) -> dict[str, Any]:
    done = invoke("bench", *words, "--json")
    assert done.exit_code == code, done.output
    return dict(json.loads(done.stdout))


def test_without_a_name_all_are_listed() -> None:
    rows = benched()["benchmarks"]
    assert {"name": "stanford-40-actions", "criterion": "mood", "asks": "mood", "k": 4, "images": None,
            "lane": "language", "published": 1} in rows  # fmt: skip
    shown = invoke("bench", env={"COLUMNS": "120"}).stdout
    assert "none known to us" in shown
    assert "playing-cards" in shown


def test_our_row_can_be_had_again_from_the_files_of_the_run(made: tuple[Path, dict[str, Any]], root: Path) -> None:
    run, found = made
    ours = json.loads((run / "bench.json").read_text())["ours"][0]
    assert found["ours"] == [ours]
    truth = {r["file_name"]: r["object"] for r in csv.DictReader((root / "cifar-10" / "metadata.csv").open())}
    lines = (run / found["revision"] / "step3_result.jsonl").read_text().splitlines()
    given = {row["image"]: str(row["cluster"]) for row in map(json.loads, lines)}
    assert given.keys() == truth.keys()
    pair = [truth[i] for i in truth], [given[i] for i in truth]
    assert ours["ari"] == pytest.approx(adjusted_rand_score(*pair), abs=1e-6)
    assert ours["nmi"] == pytest.approx(normalized_mutual_info_score(*pair), abs=1e-6)
    assert ours["low"]["acc"] <= ours["acc"] <= ours["high"]["acc"]
    assert (ours["n"], ours["k"], ours["k_true"], ours["calls"], ours["cost"]) == (18, 3, 3, 0, 0.0)
    scored = json.loads(invoke(*found["recompute"].split()[1:], "--json").stdout)
    assert {m: scored[m] for m in ("acc", "ari", "nmi")} == {m: ours[m] for m in ("acc", "ari", "nmi")}
    assert scored["of"] == found["of"]


def test_published_rows_stand_beside_it_with_all_that_differs(made: tuple[Path, dict[str, Any]]) -> None:
    run, found = made
    gpt4 = next(row for row in found["published"] if row["model"] == "GPT-4")
    assert (gpt4["acc"], gpt4["n"], gpt4["k"]) == (0.9088, 10_000, 10)
    assert gpt4["differs"] == [
        "n 10,000 (ours 18)",
        "K 10 (ours 3)",
        "another model, on LLaVA's descriptions",
        "as published: off-list answers replaced by a random class; ours is strict, they are wrong",
    ]
    fused = next(row for row in found["published"] if row["method"].startswith("fused"))
    assert "lane embedding (ours language)" in fused["differs"]
    table = (run / "table.md").read_text()
    for text in ("| ours, offline | 18 | 3 |", "18 of the 10,000 images", "| IC\\|TC, GPT-4 | 10,000 | 10 | 0.9088 |"):
        assert text in table
    assert "https://github.com/sehyunkwon/ICTC" in table
    assert "data/cifar10/gpt4/llava/accuracy.txt" in table


def test_it_is_the_run_that_ictc_run_makes(made: tuple[Path, dict[str, Any]], root: Path, tmp_path: Path) -> None:
    run = shutil.copytree(made[0], tmp_path / "run")
    kept = {f.name: f.read_bytes() for f in run.iterdir() if f.name in ("bench.json", "table.md")}
    told = f"recorded:{root / 'told.jsonl'}"
    same = invoke(
        "run", root / "cifar-10", "-c", "object", "-k", 3, "--describer", told, "-o", run, "--no-report", "--json"
    )
    assert json.loads(same.stdout)["reused"]
    again = benched("cifar-10", *language(root), "-k", 3, "-o", made[0])
    assert again["reused"]
    assert {f.name: f.read_bytes() for f in made[0].iterdir() if f.name in kept} == kept, "the same bytes"
    fresh = benched("CIFAR10", "-c", "object", *language(root), "-k", 3, "-o", tmp_path / "fresh")
    assert not fresh["reused"]
    assert result_files(tmp_path / "fresh" / "001") == result_files(run / "001")


def test_people_read_a_table(made: tuple[Path, dict[str, Any]], root: Path) -> None:
    shown = invoke("bench", "cifar-10", *language(root), "-k", 3, "-o", made[0], env={"COLUMNS": "120"}).stdout
    for text in ("ours, offline", "95 % intervals", ".9088", "K 10 (ours 3)", "no calls", "SCAN", "ictc score"):
        assert text in shown, text
    assert shown.count("off-list answers replaced by a random class") == 1, "a remark stands once"


def test_a_model_answers_and_its_calls_and_cost_stand_in_the_row(root: Path, tmp_path: Path) -> None:
    def kind(text: str) -> str:
        return next((k for k in TEXTS if k in text.lower()), "none")

    with ScriptedServer(thinking(kind)) as server:
        model = ("--reasoner", f"openai:GPT-4@{server.url}", "--price", "10,20")
        words = ("cifar-10", *language(root), "-k", 3, *model, "-o", tmp_path / "run")
        found = benched(*words)
        asked = server.count
        assert benched(*words)["reused"]
        assert server.count == asked
        assert benched(*words, "--max-calls", "0")["ours"] == found["ours"], "what the run took, also when it is read"
    (ours,) = found["ours"]
    assert (ours["acc"], ours["calls"]) == (1.0, asked)
    assert ours["cost"] > 0
    table = (tmp_path / "run" / "table.md").read_text()
    assert f"{asked} calls, $0." in table
    assert "--price 10,20" in found["again"]


def test_descriptions_alone_do_where_the_set_is_not_there(root: Path, tmp_path: Path) -> None:
    told = f"recorded:{root / 'told.jsonl'}"
    words = ("--root", tmp_path / "nowhere", "--describer", told, "--no-report")
    found = benched("cifar-10", *words, "-k", 3, "-o", tmp_path / "run")
    assert found["truth"] == "filename"
    assert found["ours"][0]["n"] == 18
    assert "descriptions alone" in found["ours"][0]["note"]
    refused = benched("cifar-100", *words, "-o", tmp_path / "other", code=2)
    assert "is not prepared" in refused["error"], "its names do not hold the superclass"


def test_the_embedding_lane_and_a_dry_run(root: Path, tmp_path: Path) -> None:
    words = ("fruits-360", "-c", "colour", "--root", root, "--lane", "embedding", "-o", tmp_path / "run", "--no-report")
    planned = benched(*words, "--dry-run")
    assert planned["dry_run"] is True
    assert not (tmp_path / "run").exists()
    found = benched(*words)
    assert (found["lane"], found["ours"][0]["k"], found["ours"][0]["model"]) == ("embedding", 3, "offline")
    assert found["published"] == []
    assert "no published figure known to us" in (tmp_path / "run" / "table.md").read_text()
    lane = json.loads((tmp_path / "run" / "run.json").read_text())["revisions"]["001"]["settings"]["lane"]
    assert (lane["strategy"], lane["space"], lane["clusterer"]) == ("image-only", "plain", "kmeans")


def test_the_feature_lab(root: Path, tmp_path: Path) -> None:
    words = ("fruits-360", "-c", "colour", "--root", root, "--lane", "features", "-o", tmp_path / "run")
    found = benched(*words, "--features", "classical:histogram", "--features", "classical:edges")
    kept = json.loads((tmp_path / "run" / "compare.json").read_text())
    for ours in found["ours"]:
        row = next(r for r in kept["rows"] if r["embedder"] == ours["model"])
        assert (ours["ari"], ours["n"], ours["k"]) == (row["ari"]["mean"], 12, 3)
    assert {o["model"]: o["acc"] for o in found["ours"]}["classical:histogram"] == 1.0


def test_features_that_are_not_installed_are_told(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ictc.compare.lab.NEEDS", ("no_such_module",))
    words = ("fruits-360", "-c", "colour", "--root", root, "--lane", "features", "-o", tmp_path / "run")
    done = invoke("bench", *words)
    assert done.exit_code == 0, done.output
    assert "pip install 'ictc[classical]'" in done.stderr
    assert "ours, lite0" in done.stdout and "ours, classical" not in done.stdout


def test_a_published_feature_stands_beside_its_own_row(tmp_path: Path) -> None:
    """Two classes of 70 pictures, dark and light; the language lane takes them all, the lab a draw."""
    folder = tmp_path / "food-101-30"
    folder.mkdir()
    names = [f"{i}_{('pie', 'salad')[i % 2]}.png" for i in range(140)]
    noise = np.random.default_rng(0).integers(0, 100, (140, 8, 8, 3), np.uint8)
    for i, name in enumerate(names):
        Image.fromarray(noise[i] + np.uint8(150 * (i % 2))).save(folder / name)
    write_prepared(folder, [{"file_name": n, "dish": n[:-4].partition("_")[2]} for n in names])
    (tmp_path / "told.jsonl").write_text("".join(json.dumps({"image": n, "text": n}) + "\n" for n in names))
    lab = ("--features", "classical:histogram", "--features", "classical:lbp", "--lane", "features")
    words = ("food-101-30", "--root", tmp_path, "-k", 2)
    found = benched(*words, *lab, "-o", tmp_path / "lab")
    rows = {row["model"]: row for row in found["published"]}
    for model, spec in (("colour histogram", "classical:histogram"), ("LBP", "classical:lbp")):
        assert (rows[model]["beside"], rows[model]["spec"]) == (spec, spec)
        assert rows[model]["differs"][:2] == ["n 2,100 (ours 140)", "K 30 (ours 2)"]
        assert not any("ours:" in told or told == "another model" for told in rows[model]["differs"])
    assert "not among ours: add --features with what stands in brackets" in rows["ResNet-50"]["differs"]
    assert "| k-means, ResNet-50 (resnet) | 2,100 |" in (tmp_path / "lab" / "table.md").read_text()
    assert "140 of the 2,100 images" in found["ours"][0]["remarks"]
    told = ("--lane", "language", "--describer", f"recorded:{tmp_path / 'told.jsonl'}", "--no-report")
    whole = benched(*words, *told, "-o", tmp_path / "whole")
    assert "140 of the 7,500 images" in whole["ours"][0]["remarks"]
    assert "another model" in next(r for r in whole["published"] if r["model"] == "ResNet-50")["differs"]


def refused(*words: object) -> str:
    said = benched(*words, code=2)
    return f"{said['error']} {said['hint']}"


def test_what_is_not_prepared_names_the_command(root: Path, tmp_path: Path) -> None:
    said = refused("mnist", "--root", root)
    assert "mnist is not prepared" in said
    assert f"ictc data prepare mnist --root {root}" in said
    assert not Path("run").exists()
    (tmp_path / "mnist").mkdir()
    assert "is no prepared data set: it has no metadata.csv" in refused("mnist", "--root", tmp_path)
    write_state(tmp_path / "mnist", {"request": {"dataset": "mnist", "split": "test"}}, BEGUN)
    assert "is not prepared to the end" in refused("mnist", "--root", tmp_path)


def test_what_was_prepared_otherwise_is_refused(root: Path, tmp_path: Path) -> None:
    said = refused("cifar-10", "--root", root)
    assert "has 3 classes under 'object', the benchmark 10" in said
    assert "-k 3" in said
    shutil.copytree(root / "cifar-10", tmp_path / "stl-10")
    assert "holds the data set cifar-10, not stl-10" in refused("stl-10", "--root", tmp_path)
    write_prepared(tmp_path / "stanford-40-actions", [{"file_name": "1_a.jpg", "action": "a", "mood": ""}])
    for criterion, why in (("location", "without the criterion 'location'"), ("mood", "no image has a class")):
        said = refused("stanford-40-actions", "-c", criterion, "--root", tmp_path)
        assert why in said
        assert "ictc data prepare stanford-40-actions" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("cifr-10",), "Did you mean 'cifar-10'?"),
        (("cifar-10", "-c", "objekt"), "Did you mean 'object'?"),
        (("cifar-10", "--features", "lite0"), "--features does nothing in the lane language"),
        (("mnist", "--describer", "offline"), "--describer does nothing in the lane embedding"),
        (("cifar-10", "--lane", "features", "--price", "1,2", "--names", "n"), "--names does nothing"),
        (("fruits-360", "-c", "colour", "--lane", "embedding", "--strategy", "task"), "prompts"),
    ],
)
def test_bad_input(root: Path, words: tuple[str, ...], said: str) -> None:
    assert said in refused(*words, "--root", root)


@pytest.mark.parametrize("by", ["option", "environment", "file"])
def test_a_dry_run_of_the_feature_lab_is_refused_wherever_it_was_asked_for(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    with ScriptedServer(thinking(lambda text: "none", lambda image: "A ball.")) as server:
        words: tuple[object, ...] = ("fruits-360", "-c", "colour", "--root", root, "--lane", "features")
        words = (*words, "--features", f"described:openai:m@{server.url}", "-o", tmp_path / "run")
        if by == "option":
            words = (*words, "--dry-run")
        elif by == "environment":
            monkeypatch.setenv("ICTC_DRY_RUN", "1")
        else:
            Path("ictc.toml").write_text("[bench]\ndry_run = true\n")
        said = refused(*words)
        assert server.count == 0
    assert "--dry-run does nothing in the lane features" in said
    assert "ICTC_DRY_RUN" in said
    assert not (tmp_path / "run").exists()


def test_a_part_that_is_too_small_for_the_draw_names_what_works(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "fruits-360", tmp_path / "food-101-30")
    rows = list(csv.DictReader((root / "fruits-360" / "metadata.csv").open()))
    write_prepared(tmp_path / "food-101-30", [{"file_name": r["file_name"], "dish": r["colour"]} for r in rows])
    said = refused("food-101-30", "--root", tmp_path, "-k", 3, "--features", "classical:histogram")
    assert "The benchmark draws 70 images of each class." in said
    command = said[said.index("ictc compare") :]
    done = invoke(*shlex.split(command)[1:], "-o", tmp_path / "lab", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["per_class"] == 4


def test_a_folder_that_is_no_run_is_left_alone(root: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "run.json").write_text("something else")
    refused("cifar-10", *language(root), "-k", 3, "-o", tmp_path / "mine")
    assert [f.name for f in (tmp_path / "mine").iterdir()] == ["run.json"]
    assert (tmp_path / "mine" / "run.json").read_text() == "something else"


@pytest.mark.skipif(not DATA, reason="needs ICTC_DATA: the descriptions and images of CIFAR-10")
def test_the_papers_descriptions_of_cifar_10(tmp_path: Path) -> None:
    """100 of the images, prepared, and the descriptions that the authors published."""
    folder = tmp_path / "root" / "cifar-10"
    folder.mkdir(parents=True)
    by_class: dict[str, list[Path]] = {}
    for image in sorted((Path(DATA or "") / "images" / "cifar10_1k").glob("*.jpg")):
        by_class.setdefault(image.stem.partition("_")[2], []).append(image)
    chosen = [image for images in by_class.values() for image in images[:10]]
    for image in chosen:
        shutil.copy(image, folder)
    write_prepared(folder, [{"file_name": i.name, "object": i.stem.partition("_")[2]} for i in chosen])
    with gzip.open(Path(DATA or "") / "captions" / "cifar10_llava.jsonl.gz", "rt") as file:
        assert len(file.readlines()) == 10_000
    told = f"recorded:{DATA}/captions/cifar10_llava.jsonl.gz"
    found = benched("cifar-10", "--root", folder.parent, "--describer", told, "--no-report")
    (ours,) = found["ours"]
    assert (ours["n"], ours["k"], ours["failed"]) == (100, 10, 0)
    assert ours["acc"] > 0.8
    assert ours["remarks"][:2] == [f"described by {told}", "100 of the 10,000 images"]
