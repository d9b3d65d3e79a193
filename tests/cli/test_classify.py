"""`ictc classify` as one types it: the methods, files, scores, saved classifiers, failed images, bad input."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ictc.classify.saved import load, save
from ictc.embed import images as stored
from ictc.embedders.offline import OfflineEmbedder
from ictc.interfaces import Tick, Vectors
from ictc.types import Failure, Item
from tests.conftest import invoke, write_coloured


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve pictures of three colours in a run of three clusters, with prompts and without; nine new pictures."""
    folder = tmp_path_factory.mktemp("classify")
    write_coloured(folder / "old")
    write_coloured(folder / "new", each=3, size=72)
    (folder / "p.toml").write_text('classes = ["red", "green", "blue"]\n')
    words = ("-k", 3, "-o", folder / "run", "--no-report")
    assert invoke("cluster", folder / "old", *words).exit_code == 0
    shutil.copytree(folder / "run", folder / "asked")
    words = ("-k", 3, "-o", folder / "asked", "--no-report", "--prompts", folder / "p.toml")
    assert invoke("cluster", folder / "old", *words).exit_code == 0
    return folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def classified(*words: object, exit_code: int = 0) -> dict[str, Any]:
    done = invoke("classify", *words, "--json")
    assert done.exit_code == exit_code, done.output
    (line,) = done.stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_new_pictures_go_to_the_runs_clusters(place: Path, tmp_path: Path) -> None:
    found = classified(place / "run", place / "new", "--truth", "folder")
    assert (found["method"], found["matched_by"]) == ("nearest", "overlap")
    assert (found["acc"], found["macro_f1"], found["classified"]) == (1, 1, 9)
    assert found["notes"] == []
    rows = [json.loads(line) for line in (tmp_path / "predictions.jsonl").read_text().splitlines()]
    assert rows == found["predictions"]
    for row in rows:
        assert row["probability"] == row["probabilities"][row["class"]] == max(row["probabilities"].values())
        assert sum(row["probabilities"].values()) == pytest.approx(1, abs=2e-4)
    assert [Path(f).name for f in found["files"]] == [
        "predictions.jsonl", "predictions_metrics.json", "predictions_confusion.csv", "predictions_confusion.png",
    ]  # fmt: skip


def test_prompts_are_asked_where_the_run_has_them(place: Path, tmp_path: Path) -> None:
    found = classified(place / "asked", place / "new", "--out", "a.csv")
    assert (found["method"], found["strategy"]) == ("zero-shot", "task")
    with (tmp_path / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["image", "class", "probability", "red", "green", "blue", "error"]
    assert [r["class"] for r in rows] == [p["class"] for p in found["predictions"]]
    with_others = classified(place / "run", place / "new", "--prompts", place / "p.toml")
    assert with_others["predictions"] == found["predictions"], "the same prompts from a file"


def test_aligned_learns_from_the_truth_of_the_run(place: Path) -> None:
    words = (place / "new", "--method", "aligned", "--train-truth", "folder", "--truth", "folder")
    found = classified(place / "asked", *words)
    assert found["acc"] > 1 / 3, "though it has six clusters of twelve pictures, and prompts that mean nothing to it"
    assert found["matched_by"] == "name"
    assert "12 of the run's images" in found["notes"][-1]
    assert found["supervised"].startswith("Supervised: clusters were labelled by the true classes")
    assert json.loads(Path("predictions_metrics.json").read_text())["supervised"] == found["supervised"]
    marked = Path("predictions_confusion.png").read_bytes()
    plain = classified(place / "asked", place / "new", "--truth", "folder")
    assert "supervised" not in plain and Path("predictions_confusion.png").read_bytes() != marked


def test_a_saved_classifier_of_groups_is_scored_by_the_groups_of_the_classes(place: Path, tmp_path: Path) -> None:
    (tmp_path / "g.toml").write_text('classes = ["red", "green", "blue"]\n[groups]\nred = "warm"\n'
                                     'green = "cold"\nblue = "cold"\n')  # fmt: skip
    words = ("--prompts", "g.toml", "--strategy", "grouped")
    own = classified(place / "asked", place / "new", *words, "--truth", "folder")
    assert {c["class"] for c in own["per_class"]} == {"warm", "cold"}
    classified(place / "asked", *words, "--save", "saved")
    again = classified("saved", place / "new", "--truth", "folder")
    assert {key: again[key] for key in ("acc", "per_class", "confusion")} == {
        key: own[key] for key in ("acc", "per_class", "confusion")
    }


def test_a_table_a_report_and_a_confusion_matrix(place: Path) -> None:
    shown = invoke("classify", place / "run", place / "new", "--truth", "folder").stdout
    for wanted in ("by nearest, offline", "ACC", "MACRO F1", "classification report", "true class (rows) by predicted"):
        assert wanted in shown
    assert "unassigned" not in shown


def test_vectors_of_new_pictures_are_kept_in_the_run(place: Path) -> None:
    first = classified(place / "run", place / "new")
    assert classified(place / "run", place / "new") == first
    own = classified(place / "run", place / "old", "--truth", "folder")
    assert "12 of 12 images are the run's own" in own["notes"][0]


@pytest.mark.parametrize("words", [("run",), ("asked",), ("asked", "--method", "aligned", "--train-truth", "folder")])
def test_a_saved_classifier_says_the_same_without_the_run(words: tuple[str, ...], place: Path, tmp_path: Path) -> None:
    run, *more = words
    saved = classified(place / run, *more, "--save", "saved")
    assert saved["predictions"] == []
    assert sorted(p.name for p in (tmp_path / "saved").iterdir()) == ["classifier.json", "classifier.safetensors"]
    both = [classified(place / run, place / "new", *more), classified("saved", place / "new")]
    assert both[0]["predictions"] == both[1]["predictions"]


def test_one_picture_and_those_that_cannot_be_read(place: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    shutil.copy(place / "new" / "red" / "red-0.png", mixed / "1_red.png")
    one = classified(place / "run", mixed)
    (mixed / "2_red.png").write_bytes(b"")
    found = classified(place / "run", mixed, "--out", "a.csv", "--truth", "filename", exit_code=3)
    assert found["predictions"] == one["predictions"]
    assert (found["failed"], found["acc"]) == (1, 0.5), "a picture that failed is not right"
    with (tmp_path / "a.csv").open() as file:
        assert [bool(r["error"]) for r in csv.DictReader(file)] == [False, True]
    (mixed / "3_red.png").write_bytes(b"no picture")
    assert "fail-on-error" in classified(place / "run", mixed, exit_code=4)["error"]
    (mixed / "1_red.png").unlink()
    assert "None of 2 images" in classified(place / "run", mixed, exit_code=2)["error"]


def test_a_run_of_one_picture_has_one_answer(place: Path, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    shutil.copy(place / "old" / "red" / "red-0.png", tmp_path / "one")
    shutil.copytree(place / "run", "small")
    assert invoke("cluster", "one", "-o", "small", "--no-report").exit_code == 0
    found = classified("small", place / "new")
    assert found["counts"] == {found["classes"][0]: 9}
    assert {p["probability"] for p in found["predictions"]} == {1}
    words = ("--prompts", place / "p.toml", "--method", "aligned", "--train-truth")
    (tmp_path / "t.csv").write_text("image,class\nred-0.png,red\n")
    assert classified("small", place / "new", *words, "t.csv")["counts"] == {"red": 9, "green": 0, "blue": 0}


def test_a_run_of_descriptions_made_from_images_classifies_by_an_embedder(place: Path, tmp_path: Path) -> None:
    rows = [{"image": f"{c}/{c}-{i}.png", "text": f"A {c} disc."} for c in ("red", "green", "blue") for i in range(4)]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    words = ("-c", "colour", "-k", 3, "-o", "made", "--no-report", "--describer", "recorded:d.jsonl")
    assert invoke("run", place / "old", *words).exit_code == 0
    found = classified("made", place / "new", "--truth", "folder")
    assert (found["method"], found["embedder"], found["acc"]) == ("nearest", "offline", 1)


def test_an_embedder_that_is_another_now_is_told(place: Path, tmp_path: Path) -> None:
    classified(place / "run", "--save", "saved")
    made = load(tmp_path / "saved")
    save(replace(made, fingerprint="offline/0"), tmp_path / "saved")
    found = classified("saved", place / "new", exit_code=2)
    assert "offline/0" in found["error"] and "--save" in found["hint"]


def test_vectors_of_a_file_know_no_prompts_and_no_new_pictures(place: Path, tmp_path: Path) -> None:
    assert invoke("embed", place / "old", "--out", "v.npy").exit_code == 0
    words = ("--embedder", "vectors:v.npy")
    assert (
        "knows images alone"
        in classified(place / "run", place / "new", *words, "--prompts", place / "p.toml", exit_code=2)["error"]
    )
    assert "is another image" in classified(place / "run", place / "new", *words, exit_code=2)["error"]
    assert classified(place / "run", place / "old", *words, "--truth", "folder")["acc"] == 1


BAD: dict[str, tuple[tuple[str, ...], str]] = {
    "no such folder": (("{here}/none", "{new}"), "not a run folder"),
    "a folder of something else": (("{new}", "{new}"), "neither a run nor a saved classifier"),
    "no images": (("{run}",), "no images to classify"),
    "a truth without images": (("{run}", "--save", "s", "--truth", "folder"), "no images to classify"),
    "images that are not there": (("{run}", "{here}/none"), "none"),
    "no such method": (("{run}", "{new}", "--method", "magic"), "zero-shot"),
    "no prompts for zero-shot": (("{run}", "{new}", "--method", "zero-shot"), "made without prompts"),
    "no prompts for aligned": (("{run}", "{new}", "--method", "aligned", "--train-truth", "folder"), "without prompts"),
    "no truth for aligned": (("{asked}", "{new}", "--method", "aligned"), "--train-truth"),
    "a truth for zero-shot": (("{asked}", "{new}", "--train-truth", "folder"), "learns from no truth"),
    "prompts for nearest": (("{run}", "{new}", "--method", "nearest", "--prompts", "{prompts}"), "no other prompts"),
    "a prompts file that is not there": (("{run}", "{new}", "--prompts", "{here}/none"), "none"),
    "no such strategy": (("{asked}", "{new}", "--strategy", "magic"), "no strategy 'magic'"),
    "one prompt for all": (("{asked}", "{new}", "--strategy", "generic"), "tells classes apart"),
    "groups that are not there": (("{asked}", "{new}", "--strategy", "grouped"), "needs groups"),
    "truth of other names": (("{asked}", "{new}", "--truth", "{here}/other.csv"), "None of the true classes"),
    "a run's truth of other names": (
        ("{asked}", "{new}", "--method", "aligned", "--train-truth", "{here}/others.csv"), "has the class 'pink'",
    ),
    "a truth that is none": (("{run}", "{new}", "--truth", "filename"), "no image name shows a class"),
    "another kind of file": (("{run}", "{new}", "--out", "a.txt"), ".jsonl or"),
    "a file in no folder": (("{run}", "{new}", "--out", "{here}/none/a.csv"), "There is no folder"),
    "a folder to save in that is taken": (("{run}", "--save", "{new}"), "nothing is written into it"),
    "another revision": (("{run}", "{new}", "--revision", "7"), "no revision 7"),
    "texts alone": (("{run}", "{new}", "--embedder", "sbert:"), "embeds texts"),
    "no such embedder": (("{run}", "{new}", "--embedder", "nobody:knows"), "nobody"),
    "descriptions alone": (("{described}", "{new}"), "descriptions and no images"),
    "no clusters yet": (("{embedded}", "{new}"), "no revision"),
    "a method for a saved one": (("{saved}", "{new}", "--method", "nearest"), "is for a run"),
    "a saved one that is damaged": (("{damaged}", "{new}"), "no classifier as ictc saves it"),
}  # fmt: skip


@pytest.fixture(scope="module")
def places(place: Path) -> dict[str, str]:
    (place / "other.csv").write_text("image,class\n" + "".join(f"red/red-{i}.png,pink\n" for i in range(3)))
    (place / "others.csv").write_text("image,class\n" + "".join(f"red/red-{i}.png,pink\n" for i in range(3)))
    (place / "d.jsonl").write_text(
        "".join(json.dumps({"image": f"{i}.png", "text": f"A {i}."}) + "\n" for i in range(4))
    )
    assert invoke("run", f"recorded:{place / 'd.jsonl'}", "-c", "x", "-k", 2, "-o", place / "described").exit_code == 0
    assert invoke("embed", place / "old", "-o", place / "embedded").exit_code == 0
    assert invoke("classify", place / "run", "--save", place / "saved").exit_code == 0
    shutil.copytree(place / "saved", place / "damaged")
    (place / "damaged" / "classifier.safetensors").write_bytes(np.zeros(9).tobytes())
    names = ("new", "run", "asked", "described", "embedded", "saved", "damaged")
    return {"here": str(place), "prompts": str(place / "p.toml"), **{n: str(place / n) for n in names}}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_told(what: str, places: dict[str, str], tmp_path: Path) -> None:
    words, wanted = BAD[what]
    found = classified(*(w.format(**places) for w in words), exit_code=2)
    assert wanted in found["error"] + found["hint"], found
    assert found["hint"] or what == "images that are not there"
    assert list(tmp_path.iterdir()) == [], "nothing is written"


def test_a_picture_that_is_broken_in_the_run_takes_no_part(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "old", "pictures")
    (tmp_path / "pictures" / "bad.png").write_bytes(b"no picture")
    shutil.copytree(place / "run", "made")
    assert invoke("cluster", "pictures", "-k", 3, "-o", "made", "--no-report").exit_code == 3
    assert classified("made", place / "new", "--truth", "folder")["acc"] == 1
    Image.new("RGB", (9, 9)).save(tmp_path / "pictures" / "red" / "other.png")
    assert classified("made", place / "new", "--truth", "folder")["acc"] == 1, "what came later is not in the run"


def test_a_saved_classifier_that_is_stopped_goes_on_from_beside_its_file(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classified(place / "run", "--save", tmp_path / "saved")
    looked: list[int] = []
    true = OfflineEmbedder.embed_images

    def looking(self: OfflineEmbedder, items: list[Item], tick: Tick) -> list[Vectors | Failure]:
        looked.append(len(items))
        if len(looked) == 2:
            raise KeyboardInterrupt
        return true(self, items, tick)

    monkeypatch.setattr(stored, "CHUNK", 5)
    monkeypatch.setattr(OfflineEmbedder, "embed_images", looking)
    assert invoke("classify", tmp_path / "saved", place / "new").exit_code == 130
    assert classified(tmp_path / "saved", place / "new")["classified"] == 9
    assert looked == [5, 4, 4]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["predictions.jsonl", "saved"]
