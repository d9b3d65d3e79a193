"""`ictc embed`, `ictc embed import` and `ictc doctor clip:DIR`, as one types them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ictc.embed import images as stored
from ictc.embed.files import read_vectors
from ictc.embedders.offline import OfflineEmbedder
from ictc.interfaces import Tick, Vectors
from ictc.types import Failure, Item
from tests.conftest import invoke
from tests.tiny.fixture import tiny  # noqa: F401

LATER = [("score", "--truth", "folder"), ("analyze",), ("step3",)]


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
    assert told.exit_code == 2 and "Of 12 images 10 have no vector" in told.stderr and "(10 such)" in told.stderr
    told = invoke("embed", "import", file, "-o", tmp_path / "none")
    assert told.exit_code == 2 and "has no images yet" in told.stderr


def test_a_name_for_two_images_and_a_hash_of_another_are_told(coloured: Path, tmp_path: Path) -> None:
    names = [p.relative_to(coloured).as_posix() for p in sorted(coloured.rglob("*.png"))]
    ambiguous = [{"image": names[0].rpartition("/")[2]}, *({"image": name} for name in names[2:])]
    stale = [{"image": name, "sha256": "0" * 64} for name in names]
    (coloured / "again").mkdir()
    (coloured / "again" / Path(names[0]).name).write_bytes((coloured / names[0]).read_bytes() + b"more")
    for rows, said in [(ambiguous, "neither gets its vector"), (stale, "is another image")]:
        file = tmp_path / "v.npy"
        np.save(file, np.eye(len(rows)))
        file.with_suffix(".jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        told = invoke("embed", "import", file, coloured, "-o", tmp_path / "run")
        assert told.exit_code == 2 and said in told.stderr, told.stderr


def test_stopped_without_a_run_it_goes_on_from_beside_its_file(
    coloured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    true = OfflineEmbedder.embed_images

    def looking(self: OfflineEmbedder, items: list[Item], tick: Tick) -> list[Vectors | Failure]:
        looked.append(len(items))
        if len(looked) == 2:
            raise KeyboardInterrupt
        return true(self, items, tick)

    monkeypatch.setattr(stored, "CHUNK", 5)
    monkeypatch.setattr(OfflineEmbedder, "embed_images", looking)
    file = tmp_path / "v.npy"
    told = invoke("embed", coloured, "--out", file)
    assert told.exit_code == 130 and "kept" in told.stderr and not file.exists()
    assert invoke("embed", coloured, "--out", file, "--embedder", "nothing").exit_code == 2  # leaves what is kept
    assert invoke("embed", coloured, "--out", file).exit_code == 0
    assert looked == [5, 5, 5, 2]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["coloured", "v.jsonl", "v.npy"]
    assert invoke("embed", coloured, "--out", tmp_path / "w.npy", "--embedder", "nothing").exit_code == 2
    assert not list(tmp_path.glob(".w*"))


def test_descriptions_alone_are_neither_offered_nor_embedded(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text('{"image": "a.png", "text": "a cat"}\n')
    told = invoke("embed", f"recorded:{tmp_path / 'd.jsonl'}", "--out", tmp_path / "v.npy")
    assert told.exit_code == 2 and "descriptions and no images" in told.stderr and "ictc cluster" in told.stderr
    assert "recorded" not in invoke("embed", "images", "--help").stdout


@pytest.mark.parametrize("now", ["gone", "another"])
def test_a_run_keeps_the_vectors_that_it_was_made_of(coloured: Path, tmp_path: Path, now: str) -> None:
    file, run, beside = tmp_path / "v.npy", tmp_path / "run", tmp_path / "v.jsonl"
    names = [p.relative_to(coloured).as_posix() for p in sorted(coloured.rglob("*.png"))]
    np.save(file, np.random.default_rng(0).normal(size=(12, 5)) + np.repeat(np.eye(3, 5) * 9, 4, axis=0))
    beside.write_text("".join(json.dumps({"image": name}) + "\n" for name in names))
    made = invoke("cluster", coloured, "--embedder", f"vectors:{file}", "-k", 3, "-o", run, "--no-report")
    assert made.exit_code == 0, made.stderr
    told = {word: invoke(word, run, "--json", *more).stdout for word, *more in LATER}
    if now == "gone":
        file.unlink()
    else:
        np.save(file, np.ones((12, 7)))
    for word, *more in LATER:
        again = invoke(word, run, "--json", *more)
        assert again.exit_code == 0, again.stderr
        assert again.stdout == told[word]
    extra = coloured / "red" / "9.png"
    extra.write_bytes((coloured / names[0]).read_bytes() + b"more")
    found = json.loads(invoke("classify", run, coloured, "--out", tmp_path / "p.jsonl", "--json").stdout)
    assert (found["classified"], found["failed"]) == (12, 1)
    reason = json.loads((tmp_path / "p.jsonl").read_text().splitlines()[-1])
    assert reason["code"] == "no-vector"
    assert ("cannot be read" if now == "gone" else "has changed since") in reason["message"]


def test_a_run_is_read_without_the_model_that_it_was_made_with(
    coloured: Path,
    tmp_path: Path,
    tiny: object,  # noqa: F811
) -> None:
    folder, run = tmp_path / "clip", tmp_path / "run"
    shutil.copytree(tiny("clip"), folder)  # type: ignore[operator]
    prompts = tmp_path / "p.toml"
    prompts.write_text('classes = ["red", "green", "blue"]')
    words = ("cluster", coloured, "--embedder", f"clip:{folder}", "--prompts", prompts, "-o", run, "--no-report")
    assert invoke(*words).exit_code == 0
    shutil.rmtree(folder)
    assert invoke("score", run, "--truth", "folder").exit_code == 0
    (coloured / "red" / "9.png").write_bytes(next(coloured.rglob("*.png")).read_bytes() + b"more")
    told = invoke("classify", run, coloured, "--out", tmp_path / "p.jsonl")
    assert told.exit_code == 2 and "no folder" in told.stderr and "put it back" in told.stderr


def test_a_prompt_that_is_cut_is_told_in_one_line(tiny: object, coloured: Path, tmp_path: Path) -> None:  # noqa: F811
    prompts = tmp_path / "p.toml"
    prompts.write_text('classes = ["red", "green"]\n[prompts.task]\ntemplate = "' + "so {class} " * 40 + '"')
    words = ("--embedder", f"clip:{tiny('clip')}", "--prompts", prompts)  # type: ignore[operator]
    told = invoke("cluster", coloured, *words, "-o", tmp_path / "run", "--no-report")
    assert told.exit_code == 0 and "UserWarning" not in told.stderr and ".py" not in told.stderr
    assert told.stderr.count("tokens of a text") == 1


def test_what_cannot_be_is_told_before_anything_is_embedded(coloured: Path, tmp_path: Path) -> None:
    (tmp_path / "taken.npy").mkdir()
    for words, said in [
        (["--out", tmp_path / "v.txt"], "neither .npy nor .parquet"),
        (["--out", tmp_path / "nowhere" / "v.npy"], "no folder"),
        (["--out", tmp_path / "taken.npy"], "is a folder"),
        (["--embedder", "nothing"], "Unknown embedder"),
        (["--embedder", "sbert:"], "embeds texts, not images"),
        (["--embedder", f"clip:{tmp_path}"], "config.json"),
        (["--embedder", "vectors:"], "names no file"),
        (["--embedder", "clip:"], "Type clip:OWNER/NAME or clip:FOLDER.\n"),
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
