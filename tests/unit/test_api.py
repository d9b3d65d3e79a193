"""The library's two functions have the power of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

import ictc
from ictc import IctcError, Result, cluster, score


def test_public_names_are_listed_and_there() -> None:
    assert ictc.__all__ == ["IctcError", "Result", "Scores", "cluster", "score"]
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


def test_errors_are_exceptions_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(IctcError) as caught:
        cluster(tmp_path / "nowhere", "mood")
    assert "nowhere" in caught.value.message
    assert caught.value.hint
