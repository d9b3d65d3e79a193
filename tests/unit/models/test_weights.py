"""The digest of a model folder changes with anything that changes its answers, and with nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from ictc.models.weights import folder_digest


def _model(folder: Path, last: float = 1.0) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "tokenizer.json").write_text("{}")
    weights = np.zeros(100_000, dtype=np.float32)
    weights[-1] = last
    save_file({"w": weights}, folder / "model.safetensors")
    return folder


def test_a_copy_elsewhere_has_the_same_digest(tmp_path: Path) -> None:
    model = _model(tmp_path / "a")
    copy = shutil.copytree(model, tmp_path / "b")
    (copy / "README.md").write_text("notes")
    assert folder_digest(str(model)) == folder_digest(str(copy))


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "chat_template.jinja", "preprocessor_config.json"])
def test_every_file_that_decides_answers_counts(tmp_path: Path, file: str) -> None:
    model = _model(tmp_path / "a")
    before = folder_digest(str(model))
    (model / file).write_text('{"changed": 1}')
    assert folder_digest(str(model)) != before


def test_other_weights_of_the_same_shape_differ(tmp_path: Path) -> None:
    assert folder_digest(str(_model(tmp_path / "a"))) != folder_digest(str(_model(tmp_path / "b", last=2.0)))


def test_a_broken_weight_file_is_digested_too(tmp_path: Path) -> None:
    model = _model(tmp_path / "a")
    (model / "model.safetensors").write_bytes(b"\xff" * 100)
    assert folder_digest(str(model))


def test_an_id_carries_the_commit_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert folder_digest("owner/name") == "owner/name"
    refs = tmp_path / "models--owner--name" / "refs"
    refs.mkdir(parents=True)
    (refs / "main").write_text("abc123")
    assert folder_digest("owner/name") == "owner/name@abc123"
