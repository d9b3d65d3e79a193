"""The tutorials, followed word by word: every command works, every output that they show is the real one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.authors import write_repository
from tests.following import ROOT, Reader, imported_anew
from tests.published import OBJECTS, cifar10_python, pixels
from tests.servers.moods import by_light
from tests.servers.scripted import ScriptedServer
from tests.servers.thinking import thinking

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
    assert sum(f.is_file() for f in (clone / "sorted").glob("[!.]*/*")) == 21


def test_features(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cv2")
    Reader(clone, monkeypatch).follow(TUTORIALS / "features.md")
    assert (clone / "runs" / "digits" / "compare_tsne.png").stat().st_size > 10_000


def test_backend(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with imported_anew():
        Reader(clone, monkeypatch).follow(TUTORIALS / "backend.md")
    texts = (clone / "runs" / "mine" / "001" / "step1_result.jsonl").read_text()
    assert "The picture is gloomy." in texts and "mine" in texts


def test_reproduce(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On 20 pictures, whose first pixel tells the class; their archive has another hash than the publisher's."""
    (clone / "downloads").mkdir()
    classes = [i % 10 for i in range(20)]
    drawn = pixels(20, 32, 32, 3)
    drawn[:, 0, 0] = np.array(classes)[:, None]
    cifar10_python(clone / "downloads" / "cifar-10-python.tar.gz", drawn, classes)
    write_repository(clone / "ICTC")
    seeing = thinking(lambda text: text.split()[-1], lambda image: f"It is a {OBJECTS[np.asarray(image)[0, 0, 0]]}")
    with ScriptedServer(seeing) as server:
        instead = {"http://localhost:8000/v1": server.url, "--from downloads": "--from downloads --no-verify"}
        Reader(clone, monkeypatch, instead).follow(TUTORIALS / "reproduce.md")
    ours = {run: json.loads((clone / "runs" / run / "bench.json").read_text())["ours"][0] for run in ("given", "today")}
    assert [(row["n"], row["acc"]) for row in ours.values()] == [(20, 1.0), (20, 1.0)]
