"""`ictc compare --features`, the feature lab, on scikit-learn's digits: its defaults, samples and test parts, images
that an embedder was trained on, the map of the best row."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import adjusted_rand_score

from ictc.images.sources import read_source
from tests.conftest import invoke
from tests.training import write_digits

LAB = ("--features", "classical:hog", "--features", "classical:histogram")
TRUTH = ("--truth", "folder")
WAYS = {"kmeans", "agglomerative", "dbscan eps=1", "dbscan eps=knee"}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_digits(tmp_path_factory.mktemp("digits") / "in", each=12, classes=4, side=32)


@pytest.fixture(scope="module")
def lab(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    run = tmp_path_factory.mktemp("lab") / "run"
    return run, compared(digits, *LAB, *TRUTH, "-o", run)


@pytest.fixture(scope="module")
def trained(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """On eight images of each of the first three classes."""
    some, out = tmp_path_factory.mktemp("some") / "in", tmp_path_factory.mktemp("out") / "tuned"
    shutil.copytree(digits, some, ignore=shutil.ignore_patterns("n3"))
    quick = ("--base", "small:4", "--side", "8", "--epochs", "1", "--batch-size", "8", "--per-class", "8")
    done = invoke("train", "classifier", some, *quick, *TRUTH, "-o", out)
    assert done.exit_code == 0, done.output
    return out


def compared(*words: object, code: int = 0) -> dict[str, Any]:
    done = invoke("compare", *words, "--json")
    assert done.exit_code == code, done.output
    return dict(json.loads(done.stdout))


def texts(svg: Path) -> list[str]:
    """matplotlib draws letters as outlines, and writes each text as a comment beside them."""
    return [line.strip()[5:-4] for line in svg.read_text().splitlines() if line.strip().startswith("<!-- ")]


def way(row: dict[str, Any]) -> str:
    return " ".join([row["clusterer"], *(f"{name}={value}" for name, value in row["params"].items())])


def test_what_it_does_where_nobody_says_otherwise(lab: tuple[Path, dict[str, Any]], digits: Path) -> None:
    run, found = lab
    assert [e["embedder"] for e in found["embedders"]] == ["classical:hog", "classical:histogram"]
    assert {(r["embedder"], way(r)) for r in found["rows"]} == {(e, w) for e in LAB[1::2] for w in WAYS}
    assert (found["k"], found["seed"], found["seeds"], found["sort"]) == (4, 782, [782], "ari")
    assert {c["seed"] for r in found["rows"] for c in r["cells"]} == {782, None}
    aris = [r["ari"]["mean"] for r in found["rows"]]
    assert aris == sorted(aris, reverse=True) and aris[0] > 0.3
    head = (run / "compare.csv").read_text().splitlines()[0].split(",")
    assert next(name for name in head if name.endswith("_mean") and name != "k_mean") == "ari_mean"
    params = {(r["clusterer"], r["params"]) for r in csv.DictReader((run / "compare.csv").open())}
    assert {("dbscan", "eps=1"), ("dbscan", "eps=knee"), ("kmeans", "")} <= params
    drawn = texts(run / "compare.svg")
    assert drawn.index("ARI") < drawn.index("ACC") and {"dbscan eps=1", "dbscan eps=knee"} <= set(drawn)
    shown = invoke("compare", digits, *LAB, *TRUTH, "-o", run)
    assert shown.stdout.index("ARI") < shown.stdout.index("ACC") and "dbscan eps=knee" in shown.stdout
    assert "seed 782" in shown.stdout


def test_the_map_is_of_the_best_row_and_nothing_is_done_twice(
    lab: tuple[Path, dict[str, Any]], digits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, found = lab
    best = found["rows"][0]
    drawn = texts(run / "compare_tsne.svg")
    assert {f"{best['embedder']}, {way(best)}", f"by found cluster, K 4; ARI {best['ari']['mean']:.3f}"} <= set(drawn)
    assert {f"n{i} (12)" for i in range(4)} <= set(drawn) and any(t.startswith("cluster 1 (") for t in drawn)
    with Image.open(run / "compare_tsne.png") as picture:
        assert picture.width > 1.5 * picture.height
    before = {p.name: p.read_bytes() for p in run.glob("compare*")}

    def refused(*_: object) -> None:
        raise AssertionError("a map was made again")

    monkeypatch.setattr("ictc.compare.best.positions", refused)
    again = compared(digits, *LAB, *TRUTH, "-o", run)
    assert again["computed"] == 0 and not again["replaced"]
    assert {p.name: p.read_bytes() for p in run.glob("compare*")} == before


@pytest.mark.parametrize("eps", ["1", "knee"])
def test_a_dbscan_row_is_what_cluster_gives(lab: tuple[Path, dict[str, Any]], digits: Path, eps: str) -> None:
    run, found = lab
    words = ("--embedder", "classical:histogram", "--clusterer", "dbscan", "--param", f"eps={eps}", "--space", "evened")
    alone = json.loads(invoke("cluster", digits, *words, *TRUTH, "-o", run, "--no-report", "--json").stdout)
    row = next(r for r in found["rows"] if r["embedder"] == "classical:histogram" and r["params"] == {"eps": eps})
    assert (row["k"]["mean"], row["unassigned"]["mean"]) == (alone["k"], alone["unassigned"])
    assert row["ari"]["mean"] == pytest.approx(alone["ari"], abs=1e-4)


def test_what_a_person_says_goes_before(digits: Path, lab: tuple[Path, dict[str, Any]]) -> None:
    run, _ = lab
    words = (
        "--features",
        "classical:histogram",
        "--param",
        "dbscan.eps=0.7",
        "--seed",
        "5",
        "-k",
        "3",
        "--sort",
        "nmi",
    )
    found = compared(digits, *words, *TRUTH, "-o", run)
    assert {way(r) for r in found["rows"]} == {"kmeans", "agglomerative", "dbscan eps=0.7", "dbscan eps=knee"}
    assert (found["k"], found["seeds"], found["sort"]) == (3, [5], "nmi")
    several = (
        "--features",
        "classical:histogram",
        "--clusterer",
        "kmeans",
        "--param",
        "n_init=1,2",
        "--seed-list",
        "1,2",
    )
    found = compared(digits, *several, "-o", run)
    assert {way(r) for r in found["rows"]} == {"kmeans n_init=1", "kmeans n_init=2"}
    assert (found["seeds"], found["seed"], found["k"], found["sort"]) == ([1, 2], 782, None, "silhouette")
    assert not (run / "compare_tsne.png").exists(), "a map of another table's best row"


def test_a_sample_is_balanced_and_a_test_part_is_scored_alone(digits: Path, tmp_path: Path) -> None:
    words = (digits, "--features", "classical:hog", *TRUTH, "--per-class", "10", "--test-share", "0.3")
    found = compared(*words, "-o", tmp_path / "run")
    assert (found["n"], found["per_class"], found["test"]) == (40, 10, {"share": 0.3, "images": 12})
    line = next(csv.DictReader((tmp_path / "run" / "compare.csv").open()))
    assert (line["images"], line["scored"], line["held_apart"]) == ("40", "12", "0")
    shown = invoke("compare", *words, "-o", tmp_path / "run")
    assert "test part alone: 12 of 40 images (0.3 of each class, seed 782)" in shown.stdout
    assert "10 images of each class" in shown.stdout
    assert any("test part alone" in t for t in texts(tmp_path / "run" / "compare.svg"))
    assert any(t.endswith("of the test part") for t in texts(tmp_path / "run" / "compare_tsne.svg"))


def test_scores_of_a_test_part_are_those_of_its_images_in_the_clusters_of_all(digits: Path, tmp_path: Path) -> None:
    from ictc.compare.sampling import choose

    words = (digits, "--clusterer", "agglomerative", "-k", "4", *TRUTH, "-o", tmp_path / "run")
    found = compared(*words, "--embedder", "classical:histogram", "--test-share", "0.5")
    assert invoke("cluster", *words, "--embedder", "classical:histogram", "--no-report").exit_code == 0
    lines = (tmp_path / "run" / "001" / "step3_result.jsonl").read_text().splitlines()
    cluster = {r["image"]: r["cluster"] for r in map(json.loads, lines)}
    classes = {name: name.split("/")[0] for name in cluster}
    test = sorted(choose(read_source(str(digits)), classes, {}, None, 0.5, 782).test)
    assert [sum(classes[i] == f"n{c}" for i in test) for c in range(4)] == [6] * 4
    own = adjusted_rand_score([classes[i] for i in test], [cluster[i] for i in test])
    every = adjusted_rand_score([classes[i] for i in cluster], list(cluster.values()))
    assert found["rows"][0]["ari"]["mean"] == pytest.approx(own, abs=1e-6) != pytest.approx(every, abs=1e-6)


def test_images_that_an_embedder_was_trained_on_are_in_no_row(digits: Path, trained: Path, tmp_path: Path) -> None:
    spec = f"trained:{trained}"
    words = (digits, "--features", spec, "--features", "classical:histogram", *TRUTH, "-o", tmp_path / "run")
    done = invoke("compare", *words, "--json")
    found = json.loads(done.stdout)
    assert found["held_apart"] == {"images": 24, "trained": {spec: 24}} and found["n"] == 24
    assert [e["images"] for e in found["embedders"]] == [24, 24], "rows stay comparable"
    assert "24 of 48 images are left out of all rows" in done.stderr and spec in done.stderr
    assert {r["held_apart"] for r in csv.DictReader((tmp_path / "run" / "compare.csv").open())} == {"24"}
    assert any("24 images that trained:" in t for t in texts(tmp_path / "run" / "compare.svg"))
    few = compared(*words, "--per-class", "6", code=2)
    assert "'n0' (4)" in few["error"] and "those aside" in few["error"] and few["hint"] == "Type: --per-class 4"


@pytest.mark.parametrize("ending", [".npy", ".parquet"])
def test_vectors_in_a_file_know_what_their_embedder_was_trained_on(
    digits: Path, trained: Path, tmp_path: Path, ending: str
) -> None:
    file, again, run = tmp_path / f"v{ending}", tmp_path / f"w{ending}", tmp_path / "run"
    for spec, out in ((f"trained:{trained}", file), (f"vectors:{file}", again)):
        assert invoke("embed", digits, "--embedder", spec, "--out", out).exit_code == 0
    spec = f"vectors:{again}"
    found = compared(digits, "--features", spec, *TRUTH, "-o", run)
    assert found["held_apart"] == {"images": 24, "trained": {spec: 24}} and found["n"] == 24
    words = ("compress", digits, "--method", "pca", "--dim", "2", "--embedder", spec, "--train-share", "0.5", *TRUTH)
    assert invoke("train", *words, "-o", tmp_path / "pca").exit_code == 0
    parts = {r["image"]: (r["part"], r["sha256"]) for r in csv.DictReader((tmp_path / "pca" / "split.csv").open())}
    seen = set((trained / "seen.txt").read_text().split())
    tested = [sha for part, sha in parts.values() if part == "test"]
    assert tested and not seen.intersection(tested)
    done = invoke("cluster", digits, "--embedder", spec, "-k", 4, "-o", run, "--no-report")
    assert "trained on 24 of these 48 images" in " ".join(done.stderr.split())


def test_where_all_images_were_trained_on_it_says_what_to_do(digits: Path, trained: Path, tmp_path: Path) -> None:
    seen = set((trained / "seen.txt").read_text().split())
    only = tmp_path / "only"
    for item in read_source(str(digits)).items:
        if item.sha256 in seen:
            (only / item.name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(digits / item.name, only / item.name)
    told = compared(only, "--features", f"trained:{trained}", *TRUTH, "-o", tmp_path / "run", code=2)
    assert "Nothing is left to compare" in told["error"] and "--train-share" in told["hint"]
    assert not (tmp_path / "run").exists()


def test_cluster_remarks_that_scores_on_trained_images_flatter(digits: Path, trained: Path, tmp_path: Path) -> None:
    words = ("-k", "4", "-o", tmp_path / "run", "--no-report", *TRUTH)
    done = invoke("cluster", digits, "--embedder", f"trained:{trained}", *words)
    assert "trained on 24 of these 48 images" in " ".join(done.stderr.split())
    notes = next(iter(json.loads((tmp_path / "run" / "run.json").read_text())["revisions"].values()))["notes"]
    assert len(notes) == 1 and "flatter" in notes[0]
    for more in ((), ("--json",)):
        scored = invoke("score", tmp_path / "run", *TRUTH, *more)
        assert scored.exit_code == 0 and "trained on 24 of these 48 images" in " ".join(scored.stderr.split())
    metrics = json.loads((tmp_path / "run" / "001" / "metrics.json").read_text())
    assert json.loads(scored.stdout)["trained_on"] == metrics["trained_on"] == {"images": 24, "remark": notes[0]}
    other = invoke("cluster", digits, "--embedder", "classical:histogram", *words)
    assert "flatter" not in other.stderr
    scored = invoke("score", tmp_path / "run", *TRUTH, "--json")
    assert "flatter" not in scored.stderr and "trained_on" not in json.loads(scored.stdout)


def test_outliers_of_dbscan_are_wrong_and_one_more_cluster(tmp_path: Path) -> None:
    """Two knots of five, and one image of each class far from all: ACC 10/12. ARI, with the two outliers as a cluster:
    20 pairs agree, 30 are of one class, 21 of one cluster, of 66: (20 - 30 * 21 / 66) / (25.5 - 30 * 21 / 66)."""
    names = [f"{c}/{i}.png" for c in "ab" for i in range(6)]
    rows = np.zeros((12, 8), dtype=np.float32)
    for i, name in enumerate(names):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (i * 20, 0, 0)).save(tmp_path / "in" / name)
        rows[i, i // 6] = 1
        rows[i, 7] = i / 1000
    rows[5], rows[11] = np.eye(8)[3], np.eye(8)[4]
    np.save(tmp_path / "v.npy", rows)
    (tmp_path / "v.txt").write_text("\n".join(names) + "\n")
    words = ("--clusterer", "dbscan", "--param", "eps=0.3", "--param", "min_samples=3", "--space", "plain", *TRUTH)
    found = compared(tmp_path / "in", "--features", f"vectors:{tmp_path / 'v.npy'}", *words, "-o", tmp_path / "run")
    row = found["rows"][0]
    assert (row["k"]["mean"], row["unassigned"]["mean"]) == (2, 2)
    assert row["acc"]["mean"] == pytest.approx(10 / 12, abs=1e-6)
    assert row["ari"]["mean"] == pytest.approx((20 - 30 * 21 / 66) / (25.5 - 30 * 21 / 66), abs=1e-6)
    assert "outliers (2)" in texts(tmp_path / "run" / "compare_tsne.svg")


def test_a_table_of_another_comparison_is_replaced_and_it_is_said(digits: Path, tmp_path: Path) -> None:
    words = (digits, "--embedder", "classical:histogram", "-k", "3", "-o", tmp_path / "run", "--clusterer")
    first = invoke("compare", *words, "agglomerative")
    table = (tmp_path / "run" / "compare.csv").read_bytes()
    assert "replaced" not in first.stderr + invoke("compare", *words, "agglomerative", "--sort", "given").stderr
    told = " ".join(invoke("compare", *words, "dbscan").stderr.split())
    assert "were of another comparison (1 row) and are replaced" in told and "Its cells stay" in told
    back = compared(*words, "agglomerative")
    assert back["replaced"] and back["computed"] == 0 and (tmp_path / "run" / "compare.csv").read_bytes() == table


def test_failures_are_told_by_code(digits: Path, tmp_path: Path) -> None:
    damaged = Path(shutil.copytree(digits, tmp_path / "damaged"))
    (damaged / "n0" / "000.png").write_bytes(b"no picture")
    (damaged / "n1" / "000.png").write_bytes((digits / "n1" / "000.png").read_bytes()[:60])
    (damaged / "n1" / "001.png").write_bytes((digits / "n1" / "001.png").read_bytes()[:60])
    done = invoke("compare", damaged, "--features", "classical:histogram", *TRUTH, "-o", tmp_path / "run")
    assert done.exit_code == 3
    assert "classical:histogram: 3 of 48 images failed (truncated: 2, not-an-image: 1); n0/000.png:" in done.stderr


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        ((*TRUTH, "--per-class", "13"), "4 of 4 classes have fewer different images: 'n0' (12)", "--per-class 12"),
        (("--per-class", "3"), "--per-class needs the true classes", "--truth"),
        (("--test-share", "0.3"), "--test-share needs the true classes", "--truth"),
        ((*TRUTH, "--test-share", "0.04"), "leaves the test part without an image of 4 of 4", "--test-share 0.09"),
        ((*TRUTH, "--test-share", "0.97"), "leaves the other part without an image", "--test-share 0.91"),
        ((*TRUTH, "--per-class", "1", "--test-share", "0.5"), "without an image", "class of one image"),
        ((*TRUTH, "--test-share", "30"), "between 0 and 1", "0.3"),
        ((*TRUTH, "--seed", "-1"), "--seed -1", "--seed 1"),
        (("--features", "hog"), "Unknown feature 'hog'", "--features classical:hog"),
        (("--features", "classical:sitf"), "'classical:sitf' names no feature", "--features classical:sift"),
        (("--features", "classical:"), "'classical:' names no feature", "classical:hog"),
        (("--features", "nobody:knows"), "Unknown embedder 'nobody'", "classical"),
        (("--truth", "{one}"), "of one, 'digit'", "two classes"),
    ],
)
def test_what_is_wrong_and_what_to_type(
    digits: Path, tmp_path: Path, words: tuple[str, ...], said: str, hint: str
) -> None:
    one = tmp_path / "one.csv"
    one.write_text("image,class\n" + "".join(f"{i.name},digit\n" for i in read_source(str(digits)).items))
    given = [one if word == "{one}" else word for word in words]
    told = compared(digits, "--features", "classical:histogram", *given, "-o", tmp_path / "run", code=2)
    assert said in told["error"] and hint in told["hint"], told
    assert not (tmp_path / "run").exists(), "nothing is made before it is told"
