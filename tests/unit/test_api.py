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


def test_no_room_has_the_name_of_a_function() -> None:
    """Importing `ictc.cluster.anything` would put a module in the function's place."""
    rooms = {entry.name.removesuffix(".py") for entry in Path(ictc.__path__[0]).iterdir()}
    assert "job" in rooms and not rooms & set(ictc.__all__)


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


def test_a_run_is_refined_compared_and_taken_away(captions: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    first = cluster(f"recorded:{captions}", "object", k=3, run=run)
    changes = [ictc.Rename("cat", "felines"), ictc.Move(("1_truck.png",), "felines"), ictc.Pin("felines")]
    assert ictc.plan_refinement(run, changes).requests == (0, 0, 0)
    refined = ictc.refine_run(run, changes)
    assert refined.done.revision.id == "002" and len(refined.done.result.clusters["felines"]) == 13
    assert ictc.refine_run(run, changes).done.reused
    assert ictc.diff_runs(run).moved[0].image == "1_truck.png"
    assert ictc.diff_runs(run, before="002", after="001").ari == ictc.diff_runs(run, run, before="002", after="001").ari
    [told] = ictc.why_there(run, "1_truck.png")
    assert (told.cluster, told.by, told.label) == ("felines", "person", "truck")
    assert all(s.change for s in ictc.suggest_changes(run).suggestions)
    again = ictc.refine_run(run, k=2)
    assert again.done.result.k == 2 and "felines" in again.done.result.names
    assert ictc.undo_refinement(run).done.revision.id == "002"
    assert ictc.accept_revision(run, "002").name == "report.html"
    other = tmp_path / "other"
    cluster(f"recorded:{captions}", "object", k=3, run=other)
    assert ictc.refine_run(other, corrections=run).done.result.clusters == refined.done.result.clusters
    with pytest.raises(IctcError, match="no cluster"):
        ictc.plan_refinement(run, [ictc.Drop("nobody")])
    with pytest.raises(IctcError, match="not a run"):
        ictc.refine_run(tmp_path / "none", [ictc.Drop("cat")])
    table = ictc.export_run(run, "csv", tmp_path / "new" / "t.csv")
    assert table.written == 1 and (tmp_path / "new" / "t.csv").exists()
    assert ictc.undo_export(run).nothing
    assert first.folder == run / "001"


def test_a_part_of_a_split_takes_no_label_from_another_cluster(captions: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    before = cluster(f"recorded:{captions}", "object", k=3, run=run)
    moved = ictc.refine_run(run, [ictc.Move(("1*_cat.png", "0_cat.png"), "truck")]).done.result
    after = ictc.refine_run(run, [ictc.Split("truck")]).done.result
    home = {c.name: c.labels for c in after.taxonomy.clusters}
    assert home["cat"] == {c.name: c.labels for c in before.taxonomy.clusters}["cat"]
    assert all(after.labels_of.values()), "where no label is its own, those of its images are told"
    [odd] = ictc.why_there(run, "0_cat.png")
    assert moved.predicted()["0_cat.png"] == "truck" and odd.cluster != "cat"
    assert "“cat” is one of the labels that make “cat”; but" in odd.led
