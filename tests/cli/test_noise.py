"""`ictc analyze --noise`: what is measured, killed and gone on with, strategies with prompts, runs it cannot do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ictc.embedders.offline import OfflineEmbedder
from tests.conftest import invoke, write_coloured


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("noise")
    images = write_coloured(folder / "images", each=2)
    assert invoke("cluster", images, "-k", 3, "-o", folder / "run", "--no-report").exit_code == 0
    return folder


@pytest.fixture
def run(base: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(base / "run", tmp_path / "run"))


def studied(*words: object) -> dict[str, Any]:
    done = invoke("analyze", *words, "--noise", "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_killed_study_goes_on_to_the_same_bytes(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embed, calls = OfflineEmbedder.embed_images, list[int]()

    def counted(self: Any, items: Any, *args: Any) -> Any:
        if len(calls) == stop:
            raise KeyboardInterrupt
        calls.append(len(items))
        return embed(self, items, *args)

    monkeypatch.setattr(OfflineEmbedder, "embed_images", counted)
    stop = 8
    assert invoke("analyze", run, "--noise", "--truth", "folder").exit_code == 130
    assert not (run / "001" / "noise.json").exists()
    stop = -1
    found = studied(run, "--truth", "folder")
    assert len(calls) == 19, "a copy and 18 changes, each embedded once"
    stored = [(run / "001" / name).read_bytes() for name in ("noise.json", "noise.png")]
    studied(run, "--truth", "folder")
    assert len(calls) == 19, "nothing is embedded again"
    assert [(run / "001" / name).read_bytes() for name in ("noise.json", "noise.png")] == stored
    assert (found["clean"]["acc"], found["images"]) == (1, 6)
    copy, *changes = found["changes"]
    assert (copy["kind"], copy["agreement"], copy["ari_with_clean"], copy["acc"]) == ("copy", 1, 1, 1)
    assert len(changes) == 18
    assert all(0 <= c["agreement"] <= 1 and c["cosine"] < 1 and c["failed"] == 0 for c in changes)
    by = {(c["kind"], c["strength"]): c["cosine"] for c in changes}
    assert by["noise", 1] > by["noise", 3]


def test_prompts_are_fused_in_and_fewer_images_will_do(run: Path, base: Path, tmp_path: Path) -> None:
    prompts = tmp_path / "p.toml"
    prompts.write_text('classes = ["red", "green", "blue"]\n')
    words = ("--prompts", prompts, "--fusion", "concat", "-o", run, "--no-report")
    assert invoke("cluster", base / "images", *words).exit_code == 0
    done = invoke("analyze", run, "--noise", "--images", "3")
    assert done.exit_code == 0, done.output
    assert "3 of 6 images" in done.stdout
    copy = json.loads((run / "002" / "noise.json").read_text())["changes"][0]
    assert copy["agreement"] == 1
    assert "acc" not in copy


def test_with_the_truths_prompts_only_the_test_split_is_studied_and_it_is_said(run: Path, tmp_path: Path) -> None:
    images, prompts = write_coloured(tmp_path / "images", each=4), tmp_path / "p.toml"
    prompts.write_text('classes = ["red", "green", "blue"]\n')
    words = ("--prompts", prompts, "--pairing", "label", "--truth", "folder", "-o", run, "--no-report")
    assert invoke("cluster", images, *words).exit_code == 0
    found = studied(run, "--truth", "folder")
    assert found["supervised"].startswith("Supervised")
    assert found["images"] == json.loads(invoke("show", run, "--json").stdout)["supervised"]["test_images"] < 12
    assert found["changes"][0]["agreement"] == 1
    assert "TRUE classes" in invoke("analyze", run, "--truth", "folder").stderr


def test_a_file_that_is_gone_fails_alone(run: Path, base: Path, tmp_path: Path) -> None:
    images = Path(shutil.copytree(base / "images", tmp_path / "images"))
    assert invoke("cluster", images, "-k", 2, "-o", run, "--no-report").exit_code == 0
    (images / "red" / "red-0.png").unlink()
    found = studied(run)
    assert {c["failed"] for c in found["changes"]} == {1}
    assert {c["images"] for c in found["changes"]} == {5}


def test_given_vectors_and_descriptions_cannot_be_studied(
    base: Path, run: Path, captions: Path, tmp_path: Path
) -> None:
    assert invoke("embed", base / "images", "-o", run, "--out", tmp_path / "v.npy").exit_code == 0
    spec = f"vectors:{tmp_path / 'v.npy'}"
    words = ("-k", 3, "-o", tmp_path / "given", "--no-report")
    assert invoke("cluster", base / "images", "--embedder", spec, *words).exit_code == 0
    refused = invoke("analyze", tmp_path / "given", "--noise")
    assert refused.exit_code == 2
    assert "cannot embed changed pictures" in refused.stderr
    assert invoke("run", f"recorded:{captions}", "-c", "x", "-k", 3, "-o", tmp_path / "r", "--no-report").exit_code == 0
    refused = invoke("analyze", tmp_path / "r", "--noise")
    assert refused.exit_code == 2
    assert "only descriptions" in refused.stderr
