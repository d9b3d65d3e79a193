"""`ictc train classifier` from the command line, and what comes of it."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import invoke
from tests.training import write_digits

BROKEN_PNG = b"\x89PNG\r\n\x1a\n broken"
BROKEN = {hashlib.sha256(BROKEN_PNG).hexdigest()}
QUICK = ("--base", "small:4", "--side", "8", "--epochs", "6", "--lr", "0.01", "--batch-size", "8", "--truth", "folder")


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_digits(tmp_path_factory.mktemp("digits") / "in")


@pytest.fixture(scope="module")
def tuned(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("out") / "tuned"
    (digits / "n0" / "broken.png").write_bytes(BROKEN_PNG)
    done = invoke("train", "classifier", digits, *QUICK, "-o", out, "--json")
    assert done.exit_code == 3, done.output  # one is broken
    return out, json.loads(done.stdout)


def test_it_learns_and_says_so(tuned: tuple[Path, dict[str, Any]]) -> None:
    out, told = tuned
    assert told["spec"] == f"trained:{out}" and told["facts"]["classes"] == ["n0", "n1", "n2"]
    rows = list(csv.DictReader((out / "split.csv").open()))
    (failed,) = (json.loads(line) for line in (out / "failures.jsonl").read_text().splitlines())
    assert failed["image"] == "n0/broken.png" and told["facts"]["codes"] == {failed["code"]: 1}
    assert [r["image"] for r in rows if r["part"] == "failed"] == ["n0/broken.png"]
    trained = {r["sha256"] for r in rows if r["part"] == "train"}
    apart = [r for r in rows if r["part"] == "test"]
    assert len(apart) == told["facts"]["tested"] and len(rows) == 37 and len(apart) + told["facts"]["images"] == 36
    assert not trained & {r["sha256"] for r in apart}
    assert told["facts"]["accuracy"] > 0.75 and told["facts"]["precision"] == "float32"
    seen = set((out / "seen.txt").read_text().split())
    assert len(seen) == told["facts"]["images"] and seen == trained and not seen & BROKEN
    losses = [float(r["loss"]) for r in csv.DictReader((out / "loss.csv").open())]
    assert losses[-1] < losses[0] / 2 and (out / "loss.png").read_bytes()[:4] == b"\x89PNG"
    assert not (out / "checkpoint").exists()


def test_again_it_says_what_there_is(tuned: tuple[Path, dict[str, Any]], digits: Path) -> None:
    out, told = tuned
    before = (out / "model.safetensors").stat().st_mtime_ns
    done = invoke("train", "classifier", digits, *QUICK, "-o", out, "--json")
    assert json.loads(done.stdout) == told and (out / "model.safetensors").stat().st_mtime_ns == before
    other = invoke("train", "classifier", digits, *QUICK, "--epochs", "7", "-o", out)
    assert other.exit_code == 2 and "epochs was 6, now 7" in other.output and "--restart" in other.output


def test_its_features_are_an_embedder_for_every_command(
    tuned: tuple[Path, dict[str, Any]], digits: Path, tmp_path: Path
) -> None:
    import numpy as np
    import torch
    from safetensors.torch import load_file

    out, _ = tuned
    spec = f"trained:{out}"
    assert invoke("embed", digits, "--embedder", spec, "--out", tmp_path / "v.npy").exit_code == 3  # one is broken
    assert np.load(tmp_path / "v.npy").shape == (36, 16)
    invoke("cluster", digits, "--embedder", spec, "-k", 3, "-o", tmp_path / "run")
    done = invoke("score", tmp_path / "run", "--truth", "folder", "--json")
    assert json.loads(done.stdout)["ari"] > 0.5, done.output
    more = invoke("train", "classifier", digits, *QUICK, "--base", spec, "--seed", 5, "-o", tmp_path / "more", "--json")
    told = json.loads(more.stdout)
    assert told["facts"]["accuracy"] > 0.75, more.output
    seen = set((tmp_path / "more" / "seen.txt").read_text().split())
    assert seen > set((out / "seen.txt").read_text().split()), "what the base has seen, this one has"
    rows = csv.DictReader((tmp_path / "more" / "split.csv").open())
    assert not seen & {r["sha256"] for r in rows if r["part"] == "test"}
    assert told["recipe"]["weights"] not in ("", "random")
    before, after = (load_file(folder / "model.safetensors") for folder in (out, tmp_path / "more"))
    averages = [name for name in before if "running_" in name]
    assert averages and all(torch.equal(before[name], after[name]) for name in averages), "a few images replace none"
    assert not torch.equal(before["encoder.0.weight"], after["encoder.0.weight"])


def test_it_is_no_place_for_what_it_begins_with(tuned: tuple[Path, dict[str, Any]], digits: Path) -> None:
    """To begin anew would throw the base away before it is read."""
    out, _ = tuned
    done = invoke(
        "train", "compress", digits, "--truth", "folder", "--embedder", f"trained:{out}", "-o", out, "--restart"
    )
    assert done.exit_code == 2 and "where the result is to go" in done.output
    assert (out / "trained.json").exists() and (out / "model.safetensors").exists()


def test_a_folder_may_be_called_as_a_network_is(digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        done = invoke("train", "classifier", digits, *QUICK, "--base", "small:2", "--epochs", 1, "-o", "2", "--json")
        assert done.exit_code == 3 and "error" not in json.loads(done.stdout), done.output


def test_a_result_among_the_images_is_no_image(digits: Path, tmp_path: Path) -> None:
    images = Path(shutil.copytree(digits, tmp_path / "in"))
    (images / "n0" / "broken.png").unlink()
    for _ in range(2):
        done = invoke("train", "classifier", images, *QUICK, "-o", images / "tuned", "--json")
        assert done.exit_code == 0 and json.loads(done.stdout)["facts"]["classes"] == ["n0", "n1", "n2"], done.output


def test_a_file_under_two_classes_is_of_none_and_told(digits: Path, tmp_path: Path) -> None:
    images = Path(shutil.copytree(digits, tmp_path / "in"))
    (images / "n0" / "broken.png").unlink()
    shutil.copy(images / "n0" / "000.png", images / "n1" / "same.png")
    out = tmp_path / "out"
    done = invoke("train", "classifier", images, *QUICK, "--epochs", 1, "--train-share", 1, "-o", out)
    assert done.exit_code == 3 and "2 images failed (two-classes: 2)" in done.output
    told = {row["image"]: row for row in map(json.loads, (out / "failures.jsonl").read_text().splitlines())}
    assert told.keys() == {"n0/000.png", "n1/same.png"}
    assert told["n0/000.png"]["message"] == (
        "The same file is there as n1/same.png, of the class 'n1'; this one is of 'n0'."
    )
    assert hashlib.sha256((images / "n0" / "000.png").read_bytes()).hexdigest() not in (out / "seen.txt").read_text()
    assert sum(r["part"] == "failed" for r in csv.DictReader((out / "split.csv").open())) == 2


def test_where_no_image_is_held_apart_it_is_told(
    tuned: tuple[Path, dict[str, Any]], digits: Path, tmp_path: Path
) -> None:
    said = "no image is held apart"
    again = invoke("train", "classifier", digits, *QUICK, "-o", tuned[0])
    assert again.exit_code == 3 and said not in again.output
    images = write_digits(tmp_path / "in", each=1, classes=2)
    words = ("train", "classifier", images, *QUICK, "--base", "small:2", "--epochs", 1)
    assert said in invoke(*words, "-o", tmp_path / "out").stderr
    whole = invoke(*words, "--train-share", 1, "-o", tmp_path / "whole")
    assert whole.exit_code == 0 and said not in whole.output


def test_damaged_results_are_told(tuned: tuple[Path, dict[str, Any]], digits: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(tuned[0], tmp_path / "copy"))
    embed = ("embed", digits, "--embedder", f"trained:{out}", "--out", tmp_path / "v.npy")
    told = json.loads((out / "trained.json").read_text())
    (out / "trained.json").write_text(
        json.dumps({**told, "made": {"encoder": {**told["made"]["encoder"], "width": 5}}})
    )
    done = invoke(*embed)
    assert done.exit_code == 2 and "another architecture" in done.output
    (out / "trained.json").write_text(json.dumps(told))
    (out / "trained.json").write_text(json.dumps({**told, "made": {"encoder": {"family": "small", "side": 8}}}))
    done = invoke(*embed)
    assert done.exit_code == 2 and "KeyError: 'width'" in done.output and "Traceback" not in done.output
    (out / "trained.json").write_text(json.dumps(told))
    seen = (out / "seen.txt").read_text()
    (out / "seen.txt").write_text(seen[: len(seen) // 2])
    done = invoke(*embed)
    assert done.exit_code == 2 and "seen.txt has" in done.output, "what was trained on is known whole or not at all"
    (out / "seen.txt").write_text(seen)
    (out / "model.safetensors").write_bytes(b"cut")
    done = invoke(*embed)
    assert done.exit_code == 2 and "damaged" in done.output and "Traceback" not in done.output
    (out / "trained.json").unlink()
    done = invoke(*embed)
    assert done.exit_code == 2 and "no trained.json" in done.output


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("trained.json", "{", "JSONDecodeError"),
        ("trained.json", "[1]", "TypeError"),
        ("training.json", "[]", "no JSON object"),
        ("model.safetensors", None, "model.safetensors is gone"),
        ("model.safetensors", "", "model.safetensors is gone, or damaged"),
        ("seen.txt", None, "seen.txt"),
        ("seen.txt", "", "seen.txt has 0 images"),
    ],
)
def test_a_damaged_folder_is_not_called_done(
    tuned: tuple[Path, dict[str, Any]], digits: Path, tmp_path: Path, name: str, content: str | None, said: str
) -> None:
    out = Path(shutil.copytree(tuned[0], tmp_path / "copy"))
    (out / name).unlink()
    if content is not None:
        (out / name).write_text(content)
    done = invoke("train", "classifier", digits, *QUICK, "-o", out)
    assert done.exit_code == 2 and said in done.output and "--restart" in done.output, done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (("--per-class", "30"), "'n1' has 12", "--per-class 12"),
        (("--train-share", "0"), "--train-share is 0", "0.7"),
        (("--base", "magic"), "no network", "lite0"),
        (("--truth", "filename"), "12_cat.png", ""),
        (("--epochs", "0"), "--epochs is 0", "1 or more"),
        (("--lr", "1e9"), "--lr is 1000000000", "up to 1, such as 0.001"),
        (("--weight-decay", "1e308"), "--weight-decay is 1e+308", "from 0 to 1"),
        (("--schedule", "linear"), "--schedule linear", "cosine"),
        (("--device", "tpu9"), "tpu9", "cpu"),
        (("--precision", "banana"), "--precision banana", "bf16"),
        (("--precision", "fp16", "--device", "cpu:0"), "fp16 needs a GPU", "--precision no"),
        (("--precision", "bf16", "--device", "cpu"), "bf16 needs a GPU", "--precision no"),
        (("--batch-size", "1"), "--batch-size 1 is too small", "Give 2"),
    ],
)
def test_bad_input(digits: Path, tmp_path: Path, words: tuple[str, ...], said: str, hint: str) -> None:
    done = invoke("train", "classifier", digits, *QUICK, *words, "-o", tmp_path / "out")
    assert done.exit_code in (2, 3) and said in done.output and hint in done.output and "Traceback" not in done.output
    assert not (tmp_path / "out" / "trained.json").exists()


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_without_a_gpu_half_precision_is_refused_though_no_device_is_named(
    digits: Path, tmp_path: Path, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    done = invoke("train", "classifier", digits, *QUICK, "--precision", precision, "-o", tmp_path / "out")
    assert done.exit_code == 2 and f"--precision {precision} needs a GPU" in done.output
    assert not (tmp_path / "out").exists()


def test_an_empty_output_is_not_the_folder_one_is_in(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = invoke("train", "classifier", digits, *QUICK, "-o", "")
    said = " ".join(done.output.replace("│", " ").split())
    assert done.exit_code == 2 and "no folder is named" in said and not (tmp_path / "trained.json").exists()


def test_one_class_or_no_truth(digits: Path, tmp_path: Path) -> None:
    one = invoke("train", "classifier", digits / "n1", "--truth", "folder", "-o", tmp_path / "out")
    assert one.exit_code != 0 and "--truth" in one.output
    none = invoke("train", "classifier", digits, "-o", tmp_path / "out")
    assert none.exit_code != 0 and "A classifier needs the true classes" in none.output
