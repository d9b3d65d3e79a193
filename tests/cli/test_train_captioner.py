"""`ictc train captioner` as one types it; what comes of it is in tests/unit/training/test_captioner.py."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from tests.conftest import invoke
from tests.tiny.fixture import Tiny, tiny
from tests.training import write_digits

__all__ = ["tiny"]


def test_it_trains_says_what_came_of_it_and_every_command_takes_it(
    tiny: Tiny, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pictures, out = write_digits(tmp_path / "digits", each=5, classes=2, side=28), tmp_path / "out"
    (pictures / "n0" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    words = ["train", "captioner", pictures, "--truth", "folder", "--base", tiny("blip-learner"), "-o", out]
    words += ["--template", "{class}", "--epochs", 8, "--lr", 0.01, "--batch-size", 3, "--accumulate", 1]
    with caplog.at_level(logging.INFO):
        done = invoke(*words)
    assert done.exit_code == 3, done.output  # one is broken
    assert f"written: {out}" in done.stdout and "on 3 that were held apart" in done.stdout
    assert f"trained:{out}" in done.stderr and f"hf:{out}" in done.stderr
    assert "train: " in done.stderr, "how far it is, in our own words"
    assert "grad_norm" not in done.output + caplog.text and "'loss'" not in done.output, "not in the Trainer's"
    told = json.loads(invoke(*words, "--json").stdout)
    assert (told["kind"], told["recipe"]["template"], told["recipe"]["accumulate"]) == ("captioner", "{class}", 1)
    facts = told["facts"]
    assert (
        facts["classes"] == ["n0", "n1"]
        and facts["images"] + facts["tested"] + facts["failed"] == 11
        and facts["failed"] == 1
    )
    compared = invoke(
        "compare", pictures, "--features", f"trained:{out}", "--truth", "folder", "-k", 2,
        "--clusterer", "kmeans", "-o", tmp_path / "compare", "--json",
    )  # fmt: skip
    assert compared.exit_code in (0, 3), compared.output
    found = json.loads(compared.stdout)
    [one] = found["embedders"]
    assert found["rows"][0]["runs"] and one["images"] == facts["tested"] == 3, "none of those that it was trained on"


def test_a_template_without_the_class_is_refused_with_what_to_type(tmp_path: Path) -> None:
    pictures = write_digits(tmp_path / "digits", each=2, classes=2, side=8)
    words = ("train", "captioner", pictures, "--truth", "folder", "-o", tmp_path / "out")
    done = invoke(*words, "--template", "a picture", "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == told["exit"] == 2 and "no {class}" in told["error"] and "--template" in told["hint"]
    assert not (tmp_path / "out").exists()
