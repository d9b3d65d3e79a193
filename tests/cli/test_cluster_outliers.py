"""`--outliers` and `--min-confidence` mean in the embedding lane what they mean in `ictc run`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from ictc.cli.app import app

ODD, BETWEEN = "45.png", "46.png"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tight groups of 15 vectors, one that is unlike all, and one half-way between two groups."""
    folder = tmp_path_factory.mktemp("vectors")
    (folder / "pictures").mkdir()
    draw = np.random.default_rng(0)
    rows = [np.eye(12)[i % 3] + 0.08 * draw.normal(size=12) for i in range(45)]
    rows += [np.eye(12)[9], np.eye(12)[0] + np.eye(12)[1] * 0.97]
    for i in range(len(rows)):
        Image.new("RGB", (8, 8), (5 * i, 100, 100)).save(folder / "pictures" / f"{i}.png")
    np.save(folder / "v.npy", np.stack(rows).astype(np.float32))
    (folder / "v.jsonl").write_text("".join(json.dumps({"image": f"{i}.png"}) + "\n" for i in range(len(rows))))
    return folder


def ictc(place: Path, run: Path, *words: object) -> dict[str, Any]:
    given = ["cluster", place / "pictures", "--embedder", f"vectors:{place / 'v.npy'}", "-k", 3, "-o", run, *words]
    done = CliRunner().invoke(app, [*map(str, given), "--json", "--no-report"])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def assigned(run: Path, made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    lines = (run / made["revision"] / "step3_result.jsonl").read_text().splitlines()
    return {row["image"]: row for row in map(json.loads, lines)}


def test_outliers_are_told_left_out_or_a_cluster_of_their_own(place: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    kept = ictc(place, run)
    assert kept["outliers"]["examples"] == [ODD, BETWEEN] and kept["unassigned"] == 0
    out = ictc(place, run, "--outliers", "unsure")
    row = assigned(run, out)[ODD]
    assert out["k"] == 3 and out["unassigned"] == 2 and row["cluster"] is None
    assert row["evidence"].startswith("outlier, perhaps ")
    own = ictc(place, run, "--outliers", "cluster")
    assert {c["name"]: c["images"] for c in own["clusters"]}["outliers"] == 2
    assert assigned(run, own)[ODD]["cluster"] == "outliers"
    assert own["revision"] not in (kept["revision"], out["revision"])
    assert ictc(place, run, "--outliers", "cluster")["reused"]
    for command in (["classify", str(run), str(place / "pictures")], ["analyze", str(run)], ["report", str(run)]):
        done = CliRunner().invoke(app, command, env={"ICTC_OUT": str(tmp_path / "p.jsonl")})
        assert done.exit_code == 0, f"{command} works on such a run: {done.output}"


def test_what_clusterers_by_density_leave_out_goes_with_the_outliers(place: Path, tmp_path: Path) -> None:
    words = ("--clusterer", "dbscan", "--space", "plain", "--param", "eps=0.6")
    plain = ictc(place, tmp_path / "run", *words)
    out = {name for name, row in assigned(tmp_path / "run", plain).items() if row["cluster"] is None}
    assert ODD in out
    own = assigned(tmp_path / "run", ictc(place, tmp_path / "run", *words, "--outliers", "cluster"))
    assert {name for name, row in own.items() if row["cluster"] == "outliers"} >= out
    assert "outlier: outlier" not in str(own)


def test_images_less_sure_than_asked_for_are_unassigned(place: Path, tmp_path: Path) -> None:
    every = assigned(tmp_path / "run", ictc(place, tmp_path / "run"))
    sure = assigned(tmp_path / "run", ictc(place, tmp_path / "run", "--min-confidence", "0.6"))
    unsure = {name for name, row in every.items() if row["confidence"] < 0.6}
    assert BETWEEN in unsure and len(unsure) < len(every)
    assert {name for name, row in sure.items() if row["cluster"] is None} == unsure
    assert all(sure[name]["evidence"].startswith("unsure, perhaps ") for name in unsure)


def test_clusters_of_vectors_without_words_are_not_alike_for_want_of_words(place: Path, tmp_path: Path) -> None:
    """All images have one label there and one description: they tell no two clusters alike, whatever the names."""
    run = tmp_path / "run"
    assert "findings" not in ictc(place, run)
    named = ("--rename", "cluster 1=boat", "--rename", "cluster 2=ship", "--json")
    done = CliRunner().invoke(app, ["refine", str(run), *named])
    assert done.exit_code == 0 and "findings" not in json.loads(done.stdout), done.output
