"""`ictc map` as one types it: files, sampling, several revisions, the same bytes again, bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.conftest import invoke, write_coloured


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("map")
    images, file = write_coloured(folder / "images"), folder / "vectors.npy"
    assert invoke("embed", images, "--out", file).exit_code == 0
    for words in (("-k", 3), ("-k", 2)):
        given = ("--embedder", f"vectors:{file}", "-o", folder / "run", "--no-report")
        assert invoke("cluster", images, *words, *given).exit_code == 0
    return folder / "run"


def drawn(*words: object) -> dict[str, Any]:
    done = invoke("map", *words, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_map_and_its_truth_beside_it(run: Path) -> None:
    alone = drawn(run, "--method", "pca")
    assert alone["file"] == str(run / "002" / "map_pca.png")
    narrow = Image.open(alone["file"]).size
    both = drawn(run, "--method", "pca", "--truth", "folder", "--revision", "1")
    assert Image.open(both["file"]).width > 1.9 * narrow[0]
    (facts,) = both["maps"]
    assert (facts["revision"], facts["k"], facts["images"], facts["shown"]) == ("001", 3, 12, 12)
    assert facts["acc"] == 1


def test_revisions_side_by_side_and_the_same_bytes_again(run: Path, tmp_path: Path) -> None:
    files = [tmp_path / "a.svg", tmp_path / "b.svg"]
    for file in files:
        found = drawn(run, "--revision", "1", "--revision", "2", "--truth", "folder", "--out", file)
        assert [m["k"] for m in found["maps"]] == [3, 2]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert b"<svg" in files[0].read_bytes()
    one = drawn(run, "--out", tmp_path / "c.png", "--seed", "1")
    assert one["seed"] == 1


def test_of_many_images_some_are_drawn_and_it_is_said(run: Path, tmp_path: Path) -> None:
    done = invoke("map", run, "--sample", 6, "--method", "pca", "--out", tmp_path / "few.png")
    assert done.exit_code == 0
    assert "6 of 12 images are drawn" in done.stderr


def test_several_runs(run: Path, tmp_path: Path) -> None:
    found = drawn(run, run, "--method", "pca", "--out", tmp_path / "two.png")
    assert len(found["maps"]) == 2
    too_many = invoke("map", *[run] * 13, "--method", "pca")
    assert too_many.exit_code == 2
    assert "too many" in too_many.stderr


def test_descriptions_are_drawn_too_and_equal_ones_refused(captions: Path, tmp_path: Path) -> None:
    assert (
        invoke("run", f"recorded:{captions}", "-c", "object", "-k", 3, "-o", tmp_path / "r", "--no-report").exit_code
        == 0
    )
    assert drawn(tmp_path / "r")["maps"][0]["images"] == 36
    same = tmp_path / "same.jsonl"
    same.write_text("".join(json.dumps({"image": f"{i}.png", "text": "A cat."}) + "\n" for i in range(8)))
    assert (
        invoke("run", f"recorded:{same}", "-c", "object", "-k", 1, "-o", tmp_path / "s", "--no-report").exit_code == 0
    )
    refused = invoke("map", tmp_path / "s")
    assert refused.exit_code == 2
    assert "nothing to draw" in refused.stderr
