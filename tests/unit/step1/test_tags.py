"""From class scores to words: certain, hedged, within a kind, or honestly nothing."""

from __future__ import annotations

import numpy as np
import pytest

from step1.attributes import measure
from step1.tags import Recognised, kind_in, probabilities, recognise, vocabulary
from step1.wording import what as what_of

SCENE = np.zeros((224, 224, 3), np.uint8)
SCENE[:120], SCENE[60:180, 20:130] = (135, 206, 235), (139, 69, 19)
MEASURED = measure(SCENE[None], [(3, 2)])[0]


def what(seen: Recognised) -> str:
    return what_of(seen, MEASURED)


def spread(**shares: float) -> np.ndarray:
    """Probabilities by class name (underscores for spaces); the rest lies evenly on all classes."""
    names = vocabulary().names
    p = np.full(len(names), (1 - sum(shares.values())) / len(names), np.float32)
    for name, share in shares.items():
        p[names.index(name.replace("_", " "))] += share
    return p


def test_the_vocabulary_is_imagenets() -> None:
    words = vocabulary()
    assert len(set(words.names)) == len(words.names) == 1000
    assert words.names[0] == "tench"
    assert words.names[281] == "tabby cat"
    assert words.names[134] != words.names[517]  # crane, crane
    assert words.belongs.shape == (1000, len(words.kinds))
    assert "entity" not in words.kinds


def test_kinds_hold_their_classes() -> None:
    words = vocabulary()
    above = {words.kinds[k] for k in np.flatnonzero(words.belongs[281])}
    assert {"cat", "animal", "mammal"} <= above
    assert "dog" not in above


def test_a_sure_class_is_named_with_its_kind() -> None:
    text = what(recognise(spread(tabby_cat=0.9)))
    assert text == "A cat, a tabby cat (animal)."


def test_unsure_breeds_are_surely_a_dog() -> None:
    words = vocabulary()
    breeds = np.flatnonzero(words.belongs[:, words.kinds.index("dog")])[:6]
    seen = recognise(spread(**{words.names[i]: 0.15 for i in breeds}))
    assert seen.kind == "dog"
    assert seen.certainty > 0.85
    assert what(seen).startswith("A dog")


def test_doubt_is_said() -> None:
    assert what(recognise(spread(goldfish=0.3))).startswith("Perhaps a fish")


def test_nothing_is_said_honestly() -> None:
    assert what(recognise(spread())).startswith("Unrecognised")


@pytest.mark.parametrize(
    ("criterion", "kind"),
    [
        ("type of fruit", "fruit"),
        ("what kind of animal is shown", "animal"),
        ("Dogs", "dog"),
        ("dominant colour", None),
        ("", None),
    ],
)
def test_a_criterion_can_name_a_kind(criterion: str, kind: str | None) -> None:
    found = kind_in(criterion)
    assert (None if found is None else vocabulary().kinds[found]) == kind


def test_within_a_kind_only_its_classes_count() -> None:
    seen = recognise(spread(lemon=0.3, tabby_cat=0.6), kind_in("type of fruit"))
    assert seen.names[0][0] == "lemon"
    assert "cat" not in what(seen)


def test_a_kind_that_is_not_there_is_said() -> None:
    assert what(recognise(spread(tabby_cat=0.999), kind_in("fruit"))) == "No fruit."


def test_probabilities_sum_to_one_and_do_not_overflow() -> None:
    p = probabilities(np.array([[1000.0, 0.0, -1000.0]], np.float32))
    np.testing.assert_allclose(p, [[1, 0, 0]], atol=1e-6)
