"""`ictc data list` and `ictc data prepare`: what they print, the next commands as typed, and refusals."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import ictc_datasets.mnist as mnist_recipe
from ictc.datasets import known
from ictc.datasets.recipe import Options, Place, Sample, Source
from tests.conftest import invoke
from tests.published import cifar10_binary, cifar100_python, mnist, pixels


def test_the_list_says_what_there_is_and_what_is_prepared(tmp_path: Path) -> None:
    given = mnist(tmp_path / "given", pixels(4, 28, 28), [7, 2, 1, 0])
    assert invoke("data", "prepare", "mnist", "--from", given, "--no-verify", "--root", tmp_path / "d").exit_code == 0
    shown = invoke("data", "list", "--root", tmp_path / "d")
    assert shown.exit_code == 0 and "digit (10)" in shown.stdout and "4 images" in shown.stdout
    rows = {
        r["name"]: r for r in json.loads(invoke("data", "list", "--root", tmp_path / "d", "--json").stdout)["datasets"]
    }
    assert rows["mnist"]["prepared"] == {"folder": str(tmp_path / "d" / "mnist"), "images": 4}
    assert rows["cifar-100"]["criteria"][1] == {"name": "class", "classes": 100, "needs": ""}
    assert rows["cifar-10"]["prepared"] is None
    assert set(rows) == set(known.installed()) and all("error" not in row and row["licence"] for row in rows.values())


def test_the_commands_that_are_named_next_work_as_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    archive = cifar10_binary(tmp_path / "cifar-10-binary.tar.gz", pixels(6, 32, 32, 3), [3, 3, 3, 8, 8, 8])
    made = invoke("data", "prepare", "CIFAR_10", "--from", archive, "--no-verify")
    assert made.exit_code == 0, made.output
    lines = [line.removeprefix("next: ") for line in made.stdout.splitlines() if line.startswith("next: ")]
    assert lines == [
        "ictc run data/cifar-10 -c object -k 2 -o runs/cifar-10",
        "ictc score runs/cifar-10 --truth object",
    ]
    run, score = (invoke(*shlex.split(line)[1:], "--json") for line in lines)
    assert (run.exit_code, score.exit_code) == (0, 0), run.output + score.output
    assert json.loads(run.stdout)["images"] == 6 and "acc" in score.stdout


def test_json_says_what_was_made_and_of_what(tmp_path: Path) -> None:
    archive = cifar100_python(tmp_path / "cifar-100-python.tar.gz", pixels(3, 32, 32, 3), [0, 1, 1], [0, 2, 4])
    words = ("data", "prepare", "cifar-100", "--from", archive, "--no-verify", "--root", tmp_path / "d", "--json")
    told = json.loads(invoke(*words).stdout)
    assert told["counts"] == {
        "superclass": {"aquatic_mammals": 1, "fish": 2},
        "class": {"beaver": 1, "flatfish": 1, "ray": 1},
    }
    assert (told["images"], told["fresh"], told["checked"]) == (3, True, {"cifar-100-python.tar.gz": "not checked"})
    assert not json.loads(invoke(*words).stdout)["fresh"]


def test_a_file_of_classes_and_a_draw(tmp_path: Path) -> None:
    given = mnist(tmp_path / "given", pixels(9, 28, 28), [1, 2, 3] * 3)
    (tmp_path / "classes.txt").write_text("1\n\n3\n")
    words = ("data", "prepare", "mnist", "--from", given, "--no-verify", "--root", tmp_path / "d", "--json")
    told = json.loads(invoke(*words, "--classes", tmp_path / "classes.txt", "--per-class", 2).stdout)
    assert told["counts"] == {"digit": {"1": 2, "3": 2}}
    assert json.loads(invoke(*words, "--classes", "3, 1", "--per-class", 2).stdout)["fresh"] is False, "the same"
    other = invoke(*words)
    assert other.exit_code == 2 and "was prepared otherwise" in json.loads(other.stdout)["error"]


def test_a_wrong_hash_is_refused_and_says_how_to_use_it_all_the_same(tmp_path: Path) -> None:
    given = mnist(tmp_path / "given", pixels(4, 28, 28), [7, 2, 1, 0])
    refused = invoke("data", "prepare", "mnist", "--from", given, "--root", tmp_path / "d")
    assert refused.exit_code == 2
    assert "expected 1,648,877 bytes" in refused.output and "--no-verify" in refused.output
    assert not (tmp_path / "d" / "mnist").exists()


def test_what_is_not_as_published_is_said(tmp_path: Path) -> None:
    given = mnist(tmp_path / "given", pixels(4, 28, 28), [7, 2, 1, 0])
    words = ("data", "prepare", "mnist", "--from", given, "--no-verify", "--root", tmp_path / "d")
    shown = " ".join(invoke(*words).output.split())
    assert "Not as published, and taken all the same: 4 images, published are 10,000; 4 classes by digit" in shown
    assert json.loads(invoke(*words, "--json").stdout)["unlike"].startswith("4 images, published are 10,000")


def test_the_command_that_goes_on_is_named_whole(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "my classes.txt").write_text("Cat\nAlpaca, young\n")
    words = ("data", "prepare", "open-images", "--root", tmp_path, "--from", tmp_path / "given", "--split", "test")
    refused = invoke(*words, "--classes", tmp_path / "my classes.txt", "--per-class", 3, "--no-verify", "--json")
    named = f"--split test --classes '{tmp_path}/my classes.txt' --per-class 3 --seed 782 --no-verify --from FOLDER"
    assert f"then: ictc data prepare open-images --root {tmp_path} {named}" in json.loads(refused.stdout)["hint"]
    (tmp_path / "m.csv").write_text("image,mood\napplauding_001.jpg,calm\n")
    (tmp_path / "given" / "applauding_001.jpg").write_bytes(b"x")
    words = ("data", "prepare", "stanford-40-actions", "--root", tmp_path, "--from", tmp_path / "given")
    refused = invoke(*words, "--labels", f"mood={tmp_path / 'm.csv'}", "--split", "train", "--classes", "a,b", "--json")
    told = json.loads(refused.stdout)
    assert "--split train --classes a,b --labels mood=" in told["hint"], told


def test_one_that_a_newer_version_prepared_hides_no_other(tmp_path: Path) -> None:
    for name, state in {"mnist": '{"format": 99, "request": {"dataset": "mnist"}}', "stl-10": "[]"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "prepared.json").write_text(state)
    told = invoke("data", "list", "--root", tmp_path, "--json")
    assert told.exit_code == 0 and len(json.loads(told.stdout)["datasets"]) > 10


def test_images_that_could_not_be_had_end_with_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(place: Place, options: Options) -> list[Sample]:
        there = Source(file="there.png", url="https://a.example/there.png")
        refused = Source(file="b.png", url="http://a.example/b.png")  # not asked for: anyone could change it
        return [Sample(i, {"digit": str(i)}, place.remote(s)) for i, s in enumerate([there, refused])]

    monkeypatch.setattr(mnist_recipe, "DATASET", replace(mnist_recipe.DATASET, read=read, splits={"test": 0}))
    (tmp_path / "there.png").write_bytes(b"x")
    words = ("data", "prepare", "mnist", "--no-verify", "--from", tmp_path, "--root", tmp_path / "d")
    done = invoke(*words)
    said = " ".join(done.output.split())
    assert done.exit_code == 3, done.output
    assert "1 images could not be had (b.png would come over" in said and "the same command tries them again" in said
    told = json.loads(invoke(*words, "--json").stdout)
    assert (told["exit"], told["failed"], told["images"]) == (3, 1, 1)


def test_another_packages_broken_set_does_not_hide_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("broken", "nowhere.at_all:DATASET", known.GROUP)
    listed = [*known.installed().values(), broken]
    monkeypatch.setattr(known, "entry_points", lambda group: listed)
    rows = {row["name"]: row for row in json.loads(invoke("data", "list", "--json").stdout)["datasets"]}
    assert "cannot be loaded: ModuleNotFoundError" in rows["broken"]["error"] and "licence" in rows["mnist"]
    assert "cannot be loaded" in invoke("data", "list").output
    assert invoke("data", "prepare", "broken").exit_code == 2
    missing = invoke("data", "prepare", "cifra-10")
    assert missing.exit_code == 2 and "Did you mean cifar-10?" in missing.output
