"""`ictc train simclr`, `byol` and `map` as one types them, and what comes of them in other commands."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import invoke
from tests.tiny.fixture import tiny  # noqa: F401
from tests.training import write_digits

QUICK = ("--base", "small:2", "--side", "8", "--epochs", "2", "--batch-size", "8", "--device", "cpu")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny: Callable[[str], Path]) -> Path:  # noqa: F811
    """in/: 20 digits and a broken file; simclr, byol: trained on them; map: both into clip/; told.json."""
    root = tmp_path_factory.mktemp("made")
    write_digits(root / "in", each=5, classes=4, side=8)
    (root / "in" / "broken.png").write_bytes(b"\x89PNG broken")
    shutil.copytree(tiny("clip"), root / "clip")
    told = {}
    for kind in ("simclr", "byol"):
        done = invoke("train", kind, root / "in", *QUICK, "-o", root / kind, "--json")
        assert done.exit_code == 3, done.output
        told[kind] = json.loads(done.stdout)
    pair = ("--from", f"trained:{root / 'simclr'}", "--and", f"trained:{root / 'byol'}")
    done = invoke(
        "train",
        "map",
        root / "in",
        *pair,
        "--to",
        f"clip:{root / 'clip'}",
        "--weight",
        0.5,
        "-o",
        root / "map",
        "--json",
    )
    assert done.exit_code == 3, done.output
    told["map"] = json.loads(done.stdout)
    (root / "told.json").write_text(json.dumps(told))
    return root


def test_they_say_what_they_made(made: Path) -> None:
    told: dict[str, Any] = json.loads((made / "told.json").read_text())
    for kind, one in told.items():
        assert (one["kind"], one["spec"]) == (kind, f"trained:{made / kind}")
        assert (one["facts"]["images"], one["facts"]["failed"]) == (20, 1)
    assert told["map"]["made"]["weight"] == 0.5 and len(told["map"]["made"]["encoders"]) == 2
    again = invoke("train", "byol", made / "in", *QUICK, "-o", made / "byol")
    assert again.exit_code == 3 and "trained on 20 images" in again.stdout
    assert f"--embedder trained:{made / 'byol'}" in again.stderr.replace("\n", "")


@pytest.mark.parametrize(("kind", "width"), [("simclr", 8), ("byol", 8), ("map", 16)])
def test_they_embed_and_cluster(made: Path, tmp_path: Path, kind: str, width: int) -> None:
    spec = f"trained:{made / kind}"
    assert invoke("embed", made / "in", "--embedder", spec, "--out", tmp_path / "v.npy").exit_code == 3  # one is broken
    assert np.load(tmp_path / "v.npy").shape == (20, width)
    words = ("-k", 4, "-o", tmp_path / "run", "--no-report", "--json")
    done = invoke("cluster", made / "in", "--embedder", spec, *words)
    assert done.exit_code == 3 and json.loads(done.stdout)["images"] == 21, done.output
    assert "trained on 20 of these" in done.stderr.replace("\n", " ")


def test_prompts_work_on_what_was_mapped_and_not_on_the_encoder(made: Path, tmp_path: Path) -> None:
    (tmp_path / "prompts.toml").write_text('classes = ["zero", "one"]\n')
    words = ("--prompts", tmp_path / "prompts.toml", "-k", 2, "--no-report", "--json")
    done = invoke("cluster", made / "in", "--embedder", f"trained:{made / 'map'}", *words, "-o", tmp_path / "run")
    assert done.exit_code == 3, done.output
    done = invoke("cluster", made / "in", "--embedder", f"trained:{made / 'simclr'}", *words, "-o", tmp_path / "other")
    assert done.exit_code == 2 and "texts" in done.stderr


def test_a_collapse_is_told_aloud(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for i in range(3):
        Image.new("RGB", (8, 8), (90, 90, 90)).save(tmp_path / "in" / f"{i}.png", compress_level=i + 1)
    for more in ((), ("--json",)):
        done = invoke("train", "simclr", tmp_path / "in", *QUICK, "-o", tmp_path / "out", *more)
        assert done.exit_code == 0 and "warning: The features hardly differ" in done.stderr.replace("\n", " ")


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (("simclr", "--temperature", "0"), "--temperature is 0", "0.01"),
        (("simclr", "--crop", "2"), "--crop is 2", "0.2"),
        (("simclr", "--lr", "1e9"), "--lr is 1000000000", "up to 1, such as 0.001"),
        (("byol", "--tau", "-1"), "--tau is -1", "0 to 1"),
        (("byol", "--solarise", "3"), "--solarise is 3", "0 to 1"),
        (("byol", "--base", "trained:nowhere"), "no trained.json", "-o"),
        (("map", "--from", "lite0"), "not trained here", "trained:FOLDER"),
        (("map",), "--from", ""),
    ],
)
def test_bad_input(made: Path, tmp_path: Path, words: tuple[str, ...], said: str, hint: str) -> None:
    kind, *more = words
    quick = () if kind == "map" else QUICK
    done = invoke("train", kind, made / "in", *quick, *more, "-o", tmp_path / "out")
    shown = done.output.replace("\n", " ")
    assert done.exit_code in (2, 4) and said in shown and hint in shown and "Traceback" not in shown, (
        done.exit_code,
        shown,
    )
    assert not (tmp_path / "out" / "trained.json").exists()
