"""`ictc analyze` as one types it: tables, the file, planted copies, runs of both lanes, little data."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.conftest import invoke, write_coloured


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("analyze")
    images = write_coloured(folder / "images")
    shutil.copy(images / "red" / "red-0.png", images / "red" / "copy.png")
    Image.open(images / "blue" / "blue-1.png").resize((40, 40)).save(images / "blue" / "small.png")
    clustered(images, 3, folder / "run")
    return folder / "run"


def clustered(images: Path, k: int, run: Path) -> None:
    """By offline vectors that come from a file: without those of the vocabulary, which take a while."""
    file = run.parent / f"{images.name}.npy"
    assert invoke("embed", images, "--out", file).exit_code == 0
    words = ("--embedder", f"vectors:{file}", "-o", run, "--no-report")
    assert invoke("cluster", images, "-k", k, *words).exit_code == 0


def analyzed(*words: object) -> dict[str, Any]:
    done = invoke("analyze", *words, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_what_is_found_is_in_the_file_and_the_same_again(run: Path) -> None:
    found = analyzed(run, "--truth", "folder")
    file = Path(found.pop("file"))
    stored = file.read_bytes()
    assert json.loads(stored) == found
    assert (found["images"], found["k"], found["acc"], len(found["clusters"])) == (14, 3, 1, 3)
    assert all(len(c["classes"]) == 1 and -1 <= c["silhouette"] <= 1 for c in found["clusters"])
    assert found["copies"]["equal"][0]["images"] == ["red/copy.png", "red/red-0.png"]
    assert any("blue/small.png" in (p["image"], p["other"]) and p["bits"] <= 6 for p in found["copies"]["near"])
    assert all(p["cluster"] != p["other_cluster"] for p in found["neighbours"])
    analyzed(run, "--truth", "folder")
    assert file.read_bytes() == stored


def test_silhouettes_are_scikit_learns(run: Path) -> None:
    import numpy as np
    from sklearn.metrics import silhouette_samples

    from ictc.outputs import reopen, result_vectors

    done = reopen(run)
    rows = result_vectors(done)
    assert rows is not None
    clusters = np.array([a.cluster for a in done.result.assignments])
    theirs = silhouette_samples(rows, clusters, metric="cosine")
    for cluster in analyzed(run)["clusters"]:
        assert cluster["silhouette"] == pytest.approx(theirs[clusters == cluster["name"]].mean(), abs=1e-4)


def test_tables_and_the_warning_about_the_map(run: Path) -> None:
    done = invoke("analyze", run, "--tsne", "--near", "1", "--sample", "10")
    assert done.exit_code == 0, done.output
    assert "nearest across clusters" in done.stdout
    assert "equal bytes: red/copy.png, red/red-0.png" in done.stdout
    assert "k-means on the t-SNE map" in done.stdout
    assert "mean little" in done.stderr
    assert "10 of 14 images" in done.stderr


def test_descriptions_have_words_and_no_look(captions: Path, tmp_path: Path) -> None:
    run = tmp_path / "r"
    assert invoke("run", f"recorded:{captions}", "-c", "object", "-k", 3, "-o", run, "--no-report").exit_code == 0
    found = analyzed(run)
    words = {w["word"] for c in found["clusters"] for w in c["words"]}
    assert {"cat", "truck", "guitar"} <= words
    assert not words & {"the", "image", "shows"}
    assert found["copies"]["equal"] == []
    assert found["copies"]["without_look"] == 36


def test_one_image_and_one_cluster(tmp_path: Path) -> None:
    images, run = write_coloured(tmp_path / "images", each=1), tmp_path / "run"
    clustered(images, 1, run)
    found = analyzed(run)
    assert (found["silhouette"], found["neighbours"], found["clusters"][0]["words"]) == (None, [], [])
    clustered(images / "red", 1, run)
    assert analyzed(run)["images"] == 1


def test_where_no_map_can_be_drawn_the_rest_is_done_and_it_is_told(tmp_path: Path) -> None:
    images, run = write_coloured(tmp_path / "images", each=1) / "red", tmp_path / "run"
    for i in range(6):
        shutil.copy(images / "red-0.png", images / f"copy-{i}.png")
    clustered(images, 1, run)
    done = invoke("analyze", run, "--tsne")
    assert done.exit_code == 3, done.output
    assert "nothing to draw: 7 images" in done.stderr
    assert "7 images have equal bytes" in done.stdout
    stored = json.loads((run / "001" / "analysis.json").read_text())
    assert (stored["copies"]["equal_images"], "nothing to draw" in stored["tsne_kmeans"]["failed"]) == (7, True)
    found = invoke("analyze", run, "--tsne", "--json")
    told = json.loads(found.stdout)
    assert (found.exit_code, told.pop("exit"), told.pop("file")) == (3, 3, str(run / "001" / "analysis.json"))
    assert told == stored
