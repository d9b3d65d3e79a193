"""The library's functions have the power of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

import ictc
from ictc import IctcError, Result, cluster, score
from tests.conftest import write_coloured


def test_public_names_are_listed_and_there() -> None:
    assert {"cluster", "cluster_by_vectors", "classify_images", "draw_map", "analyze", "score", "update_run"} < {
        *ictc.__all__
    }
    assert all(getattr(ictc, name) for name in ictc.__all__)
    assert dir(ictc) == sorted(ictc.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'clusters'"):
        ictc.clusters  # noqa: B018


def test_cluster_and_score_without_a_folder(captions: Path) -> None:
    result = cluster(f"recorded:{captions}", "object", k=3)
    assert isinstance(result, Result)
    assert result.folder is None
    assert {name: len(images) for name, images in result.clusters.items()} == {"cat": 12, "guitar": 12, "truck": 12}
    assert score(result).acc == 1.0


def test_cluster_into_a_folder_can_be_reopened(coloured: Path, tmp_path: Path) -> None:
    result = cluster(coloured, "dominant colour", run=tmp_path / "run", k=3)
    assert result.folder == tmp_path / "run" / "001"
    assert score(result, "folder").ari == 1.0
    assert cluster(coloured, "dominant colour", run=tmp_path / "run", k=3).clusters == result.clusters


def test_cluster_takes_the_files_themselves(coloured: Path) -> None:
    files = sorted(coloured.rglob("*.png"))
    result = cluster(files[:8], "dominant colour", k=2)
    assert result.counts["images"] == 8


COLOURS = {"classes": ["red", "green", "blue"]}


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of images alone."""
    home = tmp_path_factory.mktemp("vectors")
    assert ictc.cluster_by_vectors(write_coloured(home / "coloured"), 3, run=home / "run").taxonomy.k == 3
    return home / "run"


def test_vectors_are_clustered_with_prompts_of_a_file_or_given(coloured: Path, vectors: Path, tmp_path: Path) -> None:
    params = {"n_init": 3, "algorithm": "elkan"}
    fused = ictc.cluster_by_vectors(coloured, run=vectors, prompts=COLOURS, params=params, outliers="unsure")
    assert set(fused.names) == set(COLOURS["classes"])
    file = tmp_path / "prompts.toml"
    file.write_text('classes = ["red", "green", "blue"]')
    again = ictc.cluster_by_vectors(coloured, run=vectors, prompts=file, params=params, outliers="unsure")
    assert again.folder == fused.folder, "the same question, wherever the prompts stand"


def test_a_run_classifies_new_images_is_drawn_and_looked_into(coloured: Path, vectors: Path, tmp_path: Path) -> None:
    files = sorted(coloured.rglob("*.png"))[:3]
    done = ictc.classify_images(vectors, files, method="nearest", out=tmp_path / "p.csv", save=tmp_path / "kept")
    assert len(done.predictions) == 3 and (tmp_path / "p.csv").exists()
    kept = ictc.classify_images(tmp_path / "kept", files)
    assert [p.class_ for p in kept.predictions] == [p.class_ for p in done.predictions]
    assert ictc.draw_map(vectors, method="pca", out=tmp_path / "map.svg") == tmp_path / "map.svg"
    assert (tmp_path / "map.svg").stat().st_size > 1000
    found = ictc.analyze(vectors, truth="folder")
    assert found["k"] == 3 and 0 <= found["acc"] <= 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"clusterer": "text"}, "needs a prompt for each cluster"),
        ({"prompts": {"classes": ["a", "a"]}}, "'a' is there twice"),
        ({"prompts": COLOURS, "weight": 2.0}, "weight is 2"),
        ({"prompts": COLOURS, "fusion": "mean", "weight": 0.3}, "has no weight"),
        ({"prompts": COLOURS, "pairing": "label"}, "needs the true classes"),
        ({"params": {"eps": 1}}, "no parameter 'eps'"),
        ({"embedder": "clop:x"}, "Unknown embedder"),
    ],
)
def test_what_cannot_be_clustered_is_told_at_once(coloured: Path, given: dict[str, object], said: str) -> None:
    with pytest.raises(IctcError, match=said) as caught:
        ictc.cluster_by_vectors(coloured, **given)  # type: ignore[arg-type]
    assert caught.value.hint


def test_errors_are_exceptions_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(IctcError) as caught:
        cluster(tmp_path / "nowhere", "mood")
    assert "nowhere" in caught.value.message
    assert caught.value.hint


def test_update_run_takes_the_files_that_there_are_now(coloured: Path, tmp_path: Path) -> None:
    files = sorted(coloured.rglob("*.png"))
    before = cluster(files[:8], "dominant colour", run=tmp_path / "run", k=2)
    with pytest.raises(IctcError, match="made from a list of paths"):
        ictc.update_run(tmp_path / "run")
    found = ictc.update_run(tmp_path / "run", files[1:10])
    assert found.told["changes"]["new"] == 2 and found.told["changes"]["removed"] == 1
    assert found.done.result.names == before.names and found.done.result.counts["assigned"] == 9
    assert ictc.update_run(tmp_path / "run", files[1:10]).nothing
