"""A classifier on disk: the same answers again, and nothing that is not as it was saved."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from ictc.classify.classifier import ALIGNED, NEAREST, ZERO_SHOT
from ictc.classify.predict import probabilities
from ictc.classify.saved import FACTS, TENSORS, check_embedder, digest, load, save
from ictc.errors import RunError, RunTooNew, SpecError
from ictc.means import Lane
from tests.unit.classify.made import IMAGES, Fitted, lane, new_images, vectors


@pytest.mark.parametrize(
    ("how", "method"),
    [
        (lane(), ZERO_SHOT),
        (IMAGES, NEAREST),
        (lane(pairing="soft", fusion="sum", weight=0.3), NEAREST),
        (lane(fusion="concat", space="plain"), ALIGNED),
        (lane(), ALIGNED),
    ],
)
def test_the_same_probabilities_after_a_round_trip(how: Lane, method: str, tmp_path: Path) -> None:
    made, rows = Fitted(how, method).classifier, vectors(new_images())
    save(made, tmp_path / "saved")
    again = load(tmp_path / "saved")
    np.testing.assert_array_equal(probabilities(again, rows), probabilities(made, rows))
    assert (again.classes, again.notes, again.criterion) == (made.classes, made.notes, "kind")
    assert sorted(p.name for p in (tmp_path / "saved").iterdir()) == [FACTS, TENSORS]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "classifier"
    save(Fitted(lane(), ALIGNED).classifier, folder)
    return folder


Change = Callable[[dict[str, Any], dict[str, np.ndarray]], Any]
DAMAGE: dict[str, Change] = {
    "no method": lambda f, t: f.pop("method"),
    "another method": lambda f, t: f.update(method="magic"),
    "no classes": lambda f, t: f.update(classes=[]),
    "a class twice": lambda f, t: f.update(classes=[f["classes"][0]] * len(f["classes"])),
    "a class that is a number": lambda f, t: f.update(classes=[1, 2, 3, 4, 5, 6]),
    "an owner that there is not": lambda f, t: f["owners"].__setitem__(0, 6),
    "an owner below zero": lambda f, t: f["owners"].__setitem__(0, -1),
    "owners too few": lambda f, t: f["owners"].pop(),
    "a scale of text": lambda f, t: f.update(scale="1"),
    "a scale of zero": lambda f, t: f.update(scale=0),
    "an infinite scale": lambda f, t: f.update(scale=float("inf")),
    "another fusion": lambda f, t: f.update(fusion="magic"),
    "a weight of two": lambda f, t: f.update(weight=2),
    "another width": lambda f, t: f.update(width=47),
    "no centres": lambda f, t: t.pop("centres"),
    "no texts": lambda f, t: t.pop("texts"),
    "no middle": lambda f, t: t.pop("middle"),
    "narrow centres": lambda f, t: t.update(centres=t["centres"][:, :3].copy()),
    "narrow axes": lambda f, t: t.update(axes=t["axes"][:7].copy()),
    "flat axes": lambda f, t: t.update(axes=t["axes"].ravel().copy()),
    "a NaN": lambda f, t: t["centres"].__setitem__((0, 0), np.nan),
    "doubles": lambda f, t: t.update(centres=t["centres"].astype(np.float64)),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_told(what: str, made: Path, tmp_path: Path) -> None:
    facts, tensors = json.loads((made / FACTS).read_text()), load_file(made / TENSORS)
    DAMAGE[what](facts, tensors)
    save_file(tensors, tmp_path / TENSORS)
    facts["sha256"] = digest(facts, (tmp_path / TENSORS).read_bytes())
    (tmp_path / FACTS).write_text(json.dumps(facts))
    with pytest.raises(RunError, match="is no classifier as ictc saves it") as told:
        load(tmp_path)
    assert "--save" in told.value.hint


@pytest.mark.parametrize("key", ["classes", "of", "owners"])
def test_what_was_reordered_by_hand_is_refused(key: str, made: Path, tmp_path: Path) -> None:
    facts = json.loads((made / FACTS).read_text())
    (tmp_path / TENSORS).write_bytes((made / TENSORS).read_bytes())
    (tmp_path / FACTS).write_text(json.dumps(facts, indent=1))
    assert load(tmp_path).classes == tuple(facts["classes"]), "other white space is no change"
    (tmp_path / FACTS).write_text(json.dumps(facts | {key: facts[key][::-1]}))
    with pytest.raises(RunError, match="not as it was written") as told:
        load(tmp_path)
    assert "--save" in told.value.hint


def test_a_grouped_one_knows_the_groups_of_true_classes(tmp_path: Path) -> None:
    save(Fitted(lane("grouped"), ZERO_SHOT).classifier, tmp_path / "saved")
    again = load(tmp_path / "saved")
    assert again.classes_of({"a": "cat", "b": "bus", "c": "stone"}) == {"a": "animal", "b": "vehicle", "c": "stone"}


@pytest.mark.parametrize("data", [b"", b"\x80\x04K\x01.", b"\xff" * 64])
def test_a_tensors_file_of_something_else_is_told(data: bytes, made: Path, tmp_path: Path) -> None:
    facts = json.loads((made / FACTS).read_text())
    (tmp_path / TENSORS).write_bytes(data)
    (tmp_path / FACTS).write_text(json.dumps(facts))
    with pytest.raises(RunError, match="not as it was written"):
        load(tmp_path)
    (tmp_path / FACTS).write_text(json.dumps(facts | {"sha256": digest(facts, data)}))
    with pytest.raises(RunError, match="no classifier"):
        load(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 100_000, '"x"', "\udcff"])
def test_facts_that_are_none_are_told(text: str, made: Path, tmp_path: Path) -> None:
    (tmp_path / TENSORS).write_bytes((made / TENSORS).read_bytes())
    (tmp_path / FACTS).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(RunError, match="no classifier"):
        load(tmp_path)


def test_a_newer_one_and_a_missing_half_are_told(made: Path, tmp_path: Path) -> None:
    facts = json.loads((made / FACTS).read_text())
    (tmp_path / FACTS).write_text(json.dumps(facts | {"format": 2}))
    with pytest.raises(RunTooNew, match="format 2"):
        load(tmp_path)
    (tmp_path / FACTS).write_text(json.dumps(facts))
    with pytest.raises(RunError, match="No such file"):
        load(tmp_path)


def test_another_embedder_is_told(made: Path) -> None:
    known = load(made)
    check_embedder(known, "moved", "made-up/1", made)
    with pytest.raises(SpecError, match="made-up/2"):
        check_embedder(known, "made-up", "made-up/2", made)


def test_nothing_is_written_into_a_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    classifier = Fitted(IMAGES, NEAREST).classifier
    with pytest.raises(RunError, match="nothing is written"):
        save(classifier, tmp_path)
    with pytest.raises(RunError):
        save(classifier, tmp_path / "mine.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
    save(classifier, tmp_path / "new")
    save(Fitted(lane(), ZERO_SHOT).classifier, tmp_path / "new")
    assert load(tmp_path / "new").method == ZERO_SHOT, "a classifier may take the place of another"
