"""The tutorials, followed word by word: every command works, every output that they show is the real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.following import ROOT, Reader, imported_anew
from tests.servers.moods import by_light
from tests.servers.scripted import ScriptedServer

TUTORIALS = ROOT / "docs" / "tutorials"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a tutorial needs of a clone of the repository, in a folder of its own."""
    (tmp_path / "scripts").symlink_to(ROOT / "scripts")
    return tmp_path


def test_mood(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("skimage")
    with ScriptedServer(by_light()) as server:
        Reader(clone, monkeypatch, {"http://localhost:8000/v1": server.url}).follow(TUTORIALS / "mood.md")
        assert server.count > 21  # every photograph was looked at
    assert sum(f.is_file() for f in (clone / "sorted").glob("*/*")) == 21


def test_features(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cv2")
    Reader(clone, monkeypatch).follow(TUTORIALS / "features.md")
    assert (clone / "runs" / "digits" / "compare_tsne.png").stat().st_size > 10_000


def test_backend(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with imported_anew():
        Reader(clone, monkeypatch).follow(TUTORIALS / "backend.md")
    texts = (clone / "runs" / "mine" / "001" / "step1_result.jsonl").read_text()
    assert "The picture is gloomy." in texts and "mine" in texts
