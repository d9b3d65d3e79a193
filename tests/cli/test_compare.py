"""`ictc compare` as one types it, on scikit-learn's digits: rows are what `cluster` and `score` give, nothing is
computed twice, what cannot be done says why."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from ictc.lane.reasoner import LaneReasoner
from tests.conftest import invoke
from tests.tiny.dual import clip

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
FILES = ("compare.json", "compare.csv", "compare_cells.csv", "compare_seconds.csv", "compare.png", "compare.svg")


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits")
    known = load_digits()
    for i in range(150):
        pixels = (known.images[i] * 15.9375).astype(np.uint8)
        Image.fromarray(pixels).resize((32, 32), Image.Resampling.BICUBIC).save(
            folder / f"{i}_{WORDS[known.target[i]]}.png"
        )
    return folder


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("prompts") / "prompts.toml"
    rows = [f'{word} = "{"odd" if i % 2 else "even"}"' for i, word in enumerate(WORDS)]
    file.write_text(f"classes = {json.dumps(WORDS)}\n[groups]\n" + "\n".join(rows) + "\n")
    return file


@pytest.fixture(scope="module")
def base(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose store has the vectors of the images and of the vocabulary."""
    run = tmp_path_factory.mktemp("base") / "run"
    assert invoke("cluster", digits, "-k", 2, "-o", run, "--no-report").exit_code == 0
    return run


@pytest.fixture
def run(base: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(base, tmp_path / "run"))


def compared(*words: object, code: int = 0) -> dict[str, Any]:
    done = invoke("compare", *words, "--json")
    assert done.exit_code == code, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def row(found: dict[str, Any], **axes: object) -> dict[str, Any]:
    rows = [r for r in found["rows"] if all(r[axis] == value for axis, value in axes.items())]
    assert len(rows) == 1, axes
    return dict(rows[0])


@pytest.mark.parametrize(
    ("words", "k", "seed"),
    [
        ({"strategy": "image-only", "clusterer": "kmeans"}, "auto", 2),
        ({"strategy": "task", "pairing": "soft", "fusion": "sum", "clusterer": "spectral"}, "10", 1),
        ({"strategy": "grouped", "pairing": "best", "fusion": "mean", "clusterer": "text"}, "auto", None),
        ({"strategy": "image-only", "clusterer": "agglomerative"}, "auto", 1),
        ({"strategy": "image-only", "clusterer": "hdbscan"}, "auto", None),
        ({"strategy": "criterion", "pairing": "best", "fusion": "concat", "clusterer": "gmm"}, "7", 2),
        ({"strategy": "task", "pairing": "label", "fusion": "mean", "clusterer": "kmeans"}, "auto", 2),
    ],
)
def test_a_row_is_what_cluster_and_score_give(
    digits: Path, prompts: Path, run: Path, words: dict[str, str], k: str, seed: int | None
) -> None:
    """Images alone: without prompts, so that K is chosen."""
    options = ["-k", k, "--truth", "filename", "-o", run]
    options += ["--prompts", prompts] if words["strategy"] != "image-only" else []
    options += [x for axis, value in words.items() for x in (f"--{axis}", value)]
    found = row(compared(digits, *options, "--seed-list", "1,2"), **words)
    assert found["runs"] == (1 if seed is None else 2)
    cell = next(c for c in found["cells"] if c["seed"] == seed)
    single = ["--seed", seed or 0, "--no-report", "--json"]
    done = invoke("cluster", digits, *options, *single)
    assert done.exit_code == 0, done.output
    alone = json.loads(done.stdout)
    metrics = json.loads((run / alone["revision"] / "metrics.json").read_text())
    assert [cell[key] for key in ("acc", "ari", "nmi")] == [metrics[key] for key in ("acc", "ari", "nmi")]
    assert (cell["k"], cell["unassigned"]) == (alone["k"], alone["unassigned"])
    assert cell.get("prompt_acc") == pytest.approx(metrics.get("prompt_acc"), abs=1e-4)
    if seed is not None:
        cells = [c["acc"] for c in found["cells"]]
        assert found["acc"]["mean"] == pytest.approx(np.mean(cells), abs=1e-6)
        assert found["acc"]["sd"] == pytest.approx(np.std(cells, ddof=1), abs=1e-6)


def test_the_silhouette_is_that_of_the_images_own_vectors(digits: Path, run: Path, tmp_path: Path) -> None:
    from sklearn.metrics import silhouette_score

    found = compared(digits, "-k", 10, "--clusterer", "agglomerative", "-o", run)
    assert invoke("cluster", digits, "-k", 10, "--clusterer", "agglomerative", "-o", run, "--no-report").exit_code == 0
    lines = (run / "002" / "step3_result.jsonl").read_text().splitlines()
    groups = {r["image"]: r["cluster"] for r in map(json.loads, lines)}
    assert invoke("embed", "images", digits, "--out", tmp_path / "v.npy").exit_code == 0
    names = [json.loads(line)["image"] for line in (tmp_path / "v.jsonl").read_text().splitlines()]
    own = silhouette_score(np.load(tmp_path / "v.npy"), [groups[n] for n in names], metric="cosine")
    assert row(found)["silhouette"]["mean"] == pytest.approx(own, abs=1e-5)


def test_only_what_is_missing_is_computed_and_the_files_are_the_same(
    digits: Path, prompts: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("an image was embedded again")

    monkeypatch.setattr("ictc.embedders.offline.OfflineEmbedder.embed_images", refused)
    words = (digits, "--truth", "filename", "--prompts", prompts, "-o", run)
    first = compared(*words, "--strategy", "task", "--clusterer", "kmeans,agglomerative", "--seeds", 2)
    assert (first["computed"], first["cells"]) == (3, 3)
    again = compared(*words, "--strategy", "task", "--clusterer", "kmeans,agglomerative", "--seeds", 2)
    assert again["computed"] == 0 and again["rows"] == first["rows"]
    axes = ("--strategy", "task", "--strategy", "swapped", "--clusterer", "kmeans,agglomerative,dbscan", "--seeds", "3")
    more = compared(*words, *axes)
    assert (more["cells"], more["computed"]) == (10, 7)
    old = row(first, clusterer="agglomerative")
    assert row(more, strategy="task", clusterer="agglomerative") == old, "its seconds are those of when it was computed"
    at_once = tmp_path / "at-once"
    shutil.copytree(run, at_once, ignore=shutil.ignore_patterns("store*", "compare*"))
    monkeypatch.undo()
    compared(*words[:-1], at_once, *axes)
    for name in FILES:
        if name != "compare_seconds.csv":
            assert (at_once / name).read_bytes() == (run / name).read_bytes(), name


def test_recomputed_it_finds_the_same(digits: Path, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = (digits, "-k", 5, "--clusterer", "kmeans,hdbscan", "--seeds", 2, "--truth", "filename", "-o", run)
    first = compared(*words)
    before = (run / "compare.json").read_bytes()
    grouped, made = LaneReasoner.grouped, list[int]()

    def counted(self: Any, *args: Any) -> Any:
        made.append(1)
        return grouped(self, *args)

    monkeypatch.setattr(LaneReasoner, "grouped", counted)
    assert compared(*words, "--recompute")["computed"] == first["cells"] == len(made) == 3
    assert (run / "compare.json").read_bytes() == before


def test_other_images_another_truth_or_other_prompts_are_other_cells(digits: Path, run: Path, tmp_path: Path) -> None:
    fewer = Path(shutil.copytree(digits, tmp_path / "fewer"))
    words = ("-k", 5, "--clusterer", "agglomerative", "-o", run)
    assert compared(digits, *words)["computed"] == 1
    assert compared(digits, *words, "--truth", "filename")["computed"] == 1
    (fewer / "0_zero.png").unlink()
    assert compared(fewer, *words)["computed"] == 1
    for n, classes in enumerate((["zero", "one"], ["zero", "two"])):
        file = tmp_path / f"{n}.toml"
        file.write_text(f"classes = {json.dumps(classes)}")
        strategies = ("--prompts", file, "--strategy", "task")
        assert compared(digits, *words, *strategies)["computed"] == 1
    file.write_text('classes = ["zero", "two"]\n[prompts.generic]\nprompt = "A thing"\n')
    assert compared(digits, *words, *strategies)["computed"] == 0, "no word of its own was changed"


def test_what_cannot_be_done_is_a_row_that_says_why(digits: Path, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ictc.lane.cost.machine_memory", lambda: 200_000)
    words = ["--clusterer", "kmeans,text,agglomerative", "--seeds", "2"]
    words += ["--embedder", "offline", "--embedder", "clip:/no/such/folder", "--truth", "filename", "-k", "truth"]
    found = compared(digits, *words, "-o", run, code=3)
    own = {r["clusterer"]: r for r in found["rows"] if r["embedder"] == "offline"}
    assert own["kmeans"]["runs"] == 2 and own["kmeans"]["k"]["mean"] == 10
    assert "prompt" in own["text"]["reasons"][0]["reason"] and "--prompts FILE" in own["text"]["reasons"][0]["reason"]
    assert "would need about" in own["agglomerative"]["reasons"][0]["reason"]
    others = [r for r in found["rows"] if r["embedder"] != "offline" and r["clusterer"] != "text"]
    assert len(others) == 2 and all("/no/such/folder" in r["reasons"][0]["reason"] for r in others)
    shown = invoke("compare", digits, *words, "-o", run)
    assert shown.exit_code == 3 and "would need about" in shown.stdout
    monkeypatch.undo()
    mended = compared(digits, *words, "-o", run, code=3)
    assert mended["computed"] == 1 and row(mended, clusterer="agglomerative", embedder="offline")["runs"] == 1


def test_one_group_has_no_silhouette_and_the_reason_is_told(digits: Path, run: Path) -> None:
    words = ("--clusterer", "kmeans,dbscan", "--param", "dbscan.eps=30", "-k", 3, "--seeds", 1, "-o", run)
    found = row(compared(digits, *words), clusterer="dbscan")
    assert (found["k"]["mean"], found["silhouette"]) == (1, None)
    assert "one group in all" in " ".join(found["cells"][0]["notes"])
    assert "one group in all" in invoke("compare", digits, *words).stdout


def test_where_nothing_can_be_done_it_says_so(digits: Path, run: Path) -> None:
    found = compared(digits, "--embedder", "clip:/no/such/folder", "--clusterer", "kmeans", "-o", run, code=4)
    assert "Not one row" in found["error"] and "/no/such/folder" in found["hint"] and found["exit"] == 4


def test_supervised_rows_are_marked_wherever_they_stand(digits: Path, prompts: Path, run: Path) -> None:
    words = (digits, "--prompts", prompts, "--strategy", "image-only,task", "--pairing", "best,label", "--seeds", 2)
    words = (*words, "--clusterer", "kmeans", "--truth", "filename", "-o", run)
    found = compared(*words)
    assert [r["supervised"] for r in found["rows"]] == [False, False, True]
    assert "TRUE classes" in found["supervised"]["note"] and found["supervised"]["test_share"] == 0.3
    assert "Supervised" in json.loads((run / "compare.json").read_text())["supervised"]["note"]
    assert [r["supervised"] for r in csv.DictReader((run / "compare.csv").open())] == ["False", "False", "True"]
    assert "TRUE classes" in (run / "compare.svg").read_text()
    shown = invoke("compare", *words)
    assert "(supervised)" in shown.stdout and "TRUE classes" in shown.stdout


def test_without_a_truth_there_are_silhouettes_and_it_is_said(digits: Path, run: Path) -> None:
    words = (digits, "-k", 4, "--clusterer", "kmeans,agglomerative", "--seeds", 2, "-o", run)
    found = compared(*words)
    assert found["sort"] == "silhouette" and found["truth"] is None
    assert all(r["acc"] is None and r["silhouette"]["mean"] is not None for r in found["rows"])
    shown = invoke("compare", *words)
    assert "Without --truth" in shown.stdout and "ACC" not in shown.stdout.split("Without")[0]


def test_where_no_clusterer_is_named_only_what_goes_together_is_there(digits: Path, prompts: Path, run: Path) -> None:
    words = (digits, "--prompts", prompts, "--seeds", 1, "--truth", "filename", "-o", run)
    found = compared(*words, "--strategy", "generic,task")
    ways = {(r["strategy"], r["clusterer"]) for r in found["rows"]}
    assert ("task", "text") in ways and ("generic", "text") not in ways and len(ways) == 13
    assert len(compared(*words, "--strategy", "generic", "--clusterer", "kmeans,text", code=3)["rows"]) == 2


def test_embedders_are_an_axis_each_embedded_once(digits: Path, run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clip"
    clip(folder)
    done = invoke("embed", "images", digits, "-o", run, "--out", tmp_path / "given.npy")
    assert done.exit_code == 0
    words = ["--embedder", "offline", "--features", f"clip:{folder}", "--embedder", f"vectors:{tmp_path / 'given.npy'}"]
    words += ["-k", "10", "--clusterer", "agglomerative", "--truth", "filename", "-o", str(run)]
    found = compared(digits, *words)
    assert [e["images"] for e in found["embedders"]] == [150] * 3
    by = {r["embedder"].partition(":")[0]: r for r in found["rows"]}
    assert by["vectors"]["acc"] == by["offline"]["acc"] != by["clip"]["acc"]
    shutil.rmtree(folder / "model.safetensors", ignore_errors=True)
    assert compared(digits, *words)["computed"] == 0


def test_an_image_that_cannot_be_read_is_wrong_in_every_row(digits: Path, run: Path, tmp_path: Path) -> None:
    damaged = Path(shutil.copytree(digits, tmp_path / "damaged"))
    (damaged / "0_zero.png").write_bytes(b"no picture")
    words = ("-k", 10, "--clusterer", "agglomerative", "--truth", "filename", "-o", run)
    found = compared(damaged, *words, code=3)
    assert (found["embedders"][0]["failed"], found["n"]) == (1, 150)
    assert found["embedders"][0]["failures"][0]["image"] == "0_zero.png"
    done = invoke("cluster", damaged, *words, "--no-report", "--json")
    assert row(found)["acc"]["mean"] == pytest.approx(json.loads(done.stdout)["acc"], abs=1e-6)
    assert "1 of 150 images failed (not-an-image: 1); 0_zero.png" in invoke("compare", damaged, *words).stderr


def test_recorded_descriptions_are_compared_as_texts(run: Path, tmp_path: Path) -> None:
    file, said = tmp_path / "said.jsonl", {"cat": "tabby cat", "car": "red car"}
    rows = [{"image": f"{i}_{kind}.png", "text": f"A {text}, {i}."} for i in range(6) for kind, text in said.items()]
    file.write_text("".join(json.dumps(r) + "\n" for r in rows))
    words = ("-k", 2, "--clusterer", "kmeans,agglomerative", "--truth", "filename", "-o", run)
    found = compared(f"recorded:{file}", *words)
    assert row(found, clusterer="agglomerative")["acc"]["mean"] == 1


def test_interrupted_it_keeps_what_is_done(digits: Path, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grouped, made = LaneReasoner.grouped, list[int]()

    def stopping(self: Any, *args: Any) -> Any:
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(1)
        return grouped(self, *args)

    monkeypatch.setattr(LaneReasoner, "grouped", stopping)
    words = (digits, "-k", 5, "--clusterer", "kmeans", "--seeds", 4, "-o", run)
    done = invoke("compare", *words, "--json")
    assert done.exit_code == 130 and "go on with" in done.stderr and json.loads(done.stdout)["exit"] == 130
    monkeypatch.undo()
    assert compared(*words)["computed"] == 2


def test_options_come_from_the_file_and_the_environment_too(digits: Path, run: Path, tmp_path: Path) -> None:
    config = tmp_path / "own.toml"
    config.write_text('[compare]\nclusterer = ["kmeans", "agglomerative"]\nseed-list = [3, 4]\nspace = "plain"\n')
    done = invoke("--config", config, "compare", digits, "-o", run, "--json", env={"ICTC_K": "4"})
    found = json.loads(done.stdout)
    assert {(r["clusterer"], r["space"], r["k"]["mean"]) for r in found["rows"]} == {
        ("kmeans", "plain", 4), ("agglomerative", "plain", 4)}  # fmt: skip
    assert [c["seed"] for c in row(found, clusterer="kmeans")["cells"]] == [3, 4]
    assert [c["seed"] for c in row(found, clusterer="agglomerative")["cells"]] == [None]


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (["--clusterer", "k-means"], "no clusterer 'k-means'", "kmeans"),
        (["--clusterer", "kmeans,,nope"], "no clusterer 'nope'", "kmeans"),
        (["--strategy", "image-only,tusk"], "--strategy tusk", "task"),
        (["--strategy", "task"], "needs prompts", "--prompts FILE"),
        (["--pairing", "near"], "--pairing near", "best, soft, label"),
        (["--pairing", "best,label"], "--pairing label needs the true classes", "--truth"),
        (["--clusterer", "text"], "needs a prompt for each cluster", "--prompts"),
        (["--embedder", "clop:x"], "Unknown embedder 'clop'", "offline"),
        (["--weight", "x"], "--weight x", "0.3"),
        (["--weight", "3"], "between 0 and 1", "0.5"),
        (["--weight", "0.3", "--fusion", "mean"], "has no weight", "--fusion sum"),
        (["--param", "eps"], "name=value", "eps=0.3"),
        (["--param", "optics.eps=1"], "none of the clusterers", "CLUSTERER.NAME=VALUE"),
        (["--seed-list", "1,x"], "--seed-list 1,x", "0,1,2"),
        (["--seed-list", "-1"], "negative", "0,1,2"),
        (["-k", "truth"], "-k truth needs the true classes", "--truth"),
        (["-k", "151"], "only 150 images", "-k 150"),
        (["--sort", "acc"], "--sort acc needs", "--truth"),
        (["--sort", "best", "--truth", "filename"], "--sort best", "silhouette"),
        (["--truth", "folder"], "no image name shows a class", "filename"),
        (["--prompts", "missing.toml"], "missing.toml", ""),
    ],
)
def test_what_is_wrong_and_what_to_type(digits: Path, tmp_path: Path, words: list[str], said: str, hint: str) -> None:
    told = compared(digits, "-o", tmp_path / "run", *words, code=2)
    assert said in told["error"] and hint in told["hint"]
    assert not (tmp_path / "run").exists(), "nothing is made or written before it is told"


def test_it_writes_into_no_folder_that_is_not_its_own(digits: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    told = compared(digits, "-o", tmp_path / "mine", code=2)
    assert "not a run folder" in told["error"]
