"""`ictc embed`, `ictc embed import` and `ictc doctor clip:DIR`, as one types them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ictc.embed.files import read_vectors
from tests.conftest import invoke
from tests.tiny.fixture import tiny  # noqa: F401


@pytest.mark.parametrize("ending", [".npy", ".parquet"])
def test_vectors_out_and_in_again_and_clusters_of_them(coloured: Path, tmp_path: Path, ending: str) -> None:
    file, run = tmp_path / f"v{ending}", tmp_path / "run"
    (coloured / "bad.png").write_bytes(b"no image")
    out = invoke("embed", coloured, "--out", file, "--json")
    told = json.loads(out.stdout)
    assert out.exit_code == 3 and (told["embedded"], told["failed"], told["run"]) == (12, 1, None)
    assert read_vectors(file).rows.shape == (12, told["width"])
    (coloured / "bad.png").unlink()
    assert invoke("embed", "import", file, coloured, "-o", run).exit_code == 0
    done = invoke("cluster", coloured, "--embedder", f"vectors:{file}", "-k", 3, "-o", run, "--json", "--no-report")
    assert done.exit_code == 0, done.stderr
    assert invoke("embed", "import", file, "-o", run, "--json").exit_code == 0  # for the images of the run


def test_what_a_run_has_is_read_and_recomputed_when_asked(coloured: Path, tmp_path: Path) -> None:
    file, run = tmp_path / "v.npy", tmp_path / "run"
    assert invoke("embed", coloured, "-o", run).exit_code == 0
    for option in ([], ["--recompute"]):
        assert invoke("embed", coloured, "-o", run, "--out", file, *option).exit_code == 0
    assert np.load(file).shape[0] == 12


def test_images_without_vectors_are_told_about(coloured: Path, tmp_path: Path) -> None:
    file, run = tmp_path / "v.npy", tmp_path / "run"
    np.save(file, np.eye(2))
    file.with_suffix(".csv").write_text("image\nred-0.png\nred-1.png\n")
    told = invoke("embed", "import", file, coloured, "-o", run)
    assert told.exit_code == 2 and "no vector for" in told.stderr and "9 more of 12" in told.stderr
    told = invoke("embed", "import", file, "-o", tmp_path / "none")
    assert told.exit_code == 2 and "has no images yet" in told.stderr


def test_what_cannot_be_is_told_before_anything_is_embedded(coloured: Path, tmp_path: Path) -> None:
    for words, said in [
        (["--out", tmp_path / "v.txt"], "neither .npy nor .parquet"),
        (["--embedder", "nothing"], "Unknown embedder"),
        (["--embedder", "sbert:"], "embeds texts, not images"),
        (["--embedder", f"clip:{tmp_path}"], "config.json"),
        (["--embedder", "vectors:"], "names no file"),
    ]:
        told = invoke("embed", coloured, "-o", tmp_path / "run", *words)
        assert told.exit_code == 2 and said in told.stderr, told.stderr


def test_doctor_tries_an_embedder(tiny: object) -> None:  # noqa: F811
    folder = tiny("clip")  # type: ignore[operator]
    told = json.loads(invoke("doctor", f"clip:{folder}", "--device", "cpu", "--json").stdout)
    assert told["usable"] and told["images"] and told["texts"] and told["width"] == 16
    assert told["images_per_second"] > 0
    facts = json.loads(invoke("doctor", "--json").stdout)
    assert {"offline", "clip:REPO_OR_DIR", "vectors:FILE"} <= set(facts["embedders"])
