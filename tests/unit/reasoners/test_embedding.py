"""The offline reasoner on real sentence embeddings: what it answers, what it refuses, and that it repeats itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from ictc.errors import StepError, UsageError
from ictc.interfaces import Embedder, Reasoner, Vectors
from ictc.reasoners.embedding import EmbeddingReasoner
from ictc.types import Assignment, Cluster, Description, Failure, Label, Taxonomy

PLACES = ["in a park", "on a street", "near a window", "in a kitchen", "at home"]


def described(texts: Sequence[str]) -> list[Description]:
    return [Description(f"{i}.png", text, "test") for i, text in enumerate(texts)]


def run(
    embedder: Embedder, texts: Sequence[str], criterion: str, k: int | None
) -> tuple[list[Label | Failure], Taxonomy, list[Assignment | Failure]]:
    reasoner = EmbeddingReasoner(embedder)
    descriptions = described(texts)
    labels = reasoner.label(descriptions, criterion)
    taxonomy = reasoner.merge(descriptions, [x for x in labels if isinstance(x, Label)], criterion, k)
    return labels, taxonomy, reasoner.assign(descriptions, taxonomy, criterion)


def clusters(answers: Sequence[Assignment | Failure]) -> list[str | None]:
    return [a.cluster for a in answers if isinstance(a, Assignment)]


def sentences(template: str, words: Sequence[str]) -> list[str]:
    return [template.format(word=word, place=place) for place in PLACES for word in words]


def test_it_is_a_reasoner(embedder: Embedder) -> None:
    reasoner: Reasoner = EmbeddingReasoner(embedder)
    assert embedder.fingerprint in reasoner.fingerprint


def test_names_and_groups_for_things(embedder: Embedder) -> None:
    texts = sentences("The image features a {word} {place}.", ["brown dog", "white cat", "red truck"])
    labels, taxonomy, answers = run(embedder, texts, "what kind of thing is shown", 3)
    assert sorted(taxonomy.names) == ["cat", "dog", "truck"]
    assert clusters(answers) == ["dog", "cat", "truck"] * 5
    assert [x.label for x in labels if isinstance(x, Label)] == ["dog", "cat", "truck"] * 5


@pytest.mark.parametrize(
    "beginning",
    ["The picture {n} shows", "Image {n}:", "Photo number {n} is of", "Picture #{n}.", "Figure {n} shows", "{n}."],
)
def test_a_pictures_number_is_no_label(embedder: Embedder, beginning: str) -> None:
    things = ["a cat on a sofa", "a truck in a street", "a guitar"]
    texts = [f"{beginning.format(n=n)} {things[n % 3]}." for n in range(12)]
    labels = EmbeddingReasoner(embedder).label(described(texts), "what is shown")
    assert [x.label for x in labels if isinstance(x, Label)] == ["cat", "truck", "guitar"] * 4


@pytest.mark.parametrize(
    ("criterion", "by"),
    [("digit", "a child"), ("what number is shown", "a child"), ("what is shown", "")],
    ids=["asked for", "asked for by its name", "nothing else there"],
)
def test_a_number_is_the_label_where_it_is_the_answer(embedder: Embedder, criterion: str, by: str) -> None:
    hands = [f", written by {by} {place}" if by else "" for place in PLACES]
    texts = [f"The image shows the number {n % 3 + 4}{hands[n // 3]}." for n in range(12)]
    labels = EmbeddingReasoner(embedder).label(described(texts), criterion)
    assert [x.label.split()[-1] for x in labels if isinstance(x, Label)] == ["4", "5", "6"] * 4


def test_another_criterion_gives_another_right_answer(embedder: Embedder) -> None:
    words = ["red car", "blue dress", "green door", "red door", "blue car", "green dress"]
    texts = sentences("The image features a {word} {place}.", words)
    _, taxonomy, answers = run(embedder, texts, "colour", 3)
    assert sorted(taxonomy.names) == ["blue", "green", "red"]
    assert clusters(answers) == ["red", "blue", "green", "red", "blue", "green"] * 5


def test_actions_are_named_by_verbs(embedder: Embedder) -> None:
    texts = sentences("A man is {word} {place}, wearing a hat.", ["playing a guitar", "riding a bicycle", "cooking"])
    _, taxonomy, answers = run(embedder, texts, "what the person is doing", 3)
    assert sorted(taxonomy.names) == ["cooking", "playing guitar", "riding bicycle"]
    assert clusters(answers) == ["playing guitar", "riding bicycle", "cooking"] * 5


def test_words_of_one_meaning_share_a_cluster(embedder: Embedder) -> None:
    texts = sentences("The image features a {word} {place}.", ["boat", "ship", "sailboat", "dog", "puppy", "dogs"])
    _, taxonomy, answers = run(embedder, texts, "object", 2)
    found = clusters(answers)
    assert found[:3] * 5 == [c for i in range(0, 30, 6) for c in found[i : i + 3]]
    assert len(set(found[:3])) == len(set(found[3:6])) == 1
    assert found[0] != found[3]
    assert sum(n for c in taxonomy.clusters for n in c.labels.values()) == len(texts)


def test_a_criterion_that_lists_its_answers_gets_them(embedder: Embedder) -> None:
    texts = [f"A woman sitting {where}." for where in ("in a kitchen", "on a beach", "in a bedroom", "in a forest")] * 3
    _, taxonomy, answers = run(embedder, texts, "indoor or outdoor", None)
    assert clusters(answers) == ["indoor", "outdoor"] * 6
    assert taxonomy.choice is not None
    assert taxonomy.choice.k == 2


def test_auto_finds_the_number_of_things(embedder: Embedder) -> None:
    words = ["dog", "violin", "airplane", "pizza"]
    _, taxonomy, _ = run(embedder, sentences("The image features a {word} {place}.", words), "object", None)
    assert taxonomy.choice is not None
    assert taxonomy.k == taxonomy.choice.k == 4
    assert max(taxonomy.choice.curve, key=lambda point: point[1])[0] == 4
    assert "4" in taxonomy.choice.reason


@pytest.mark.parametrize("texts", [["A red car."], ["A red car."] * 7])
def test_one_thing_is_one_cluster(embedder: Embedder, texts: list[str]) -> None:
    for k in (1, None):
        _, taxonomy, answers = run(embedder, texts, "object", k)
        assert taxonomy.names == ["car"]
        assert answers == [Assignment(f"{i}.png", "car", 1.0, "offline", "car") for i in range(len(texts))]


def test_more_clusters_than_descriptions_is_refused_with_a_number(embedder: Embedder) -> None:
    with pytest.raises(UsageError, match="only 2 different") as error:
        run(embedder, ["A car.", "A car.", "A dog."], "object", 3)
    assert "-k 2" in error.value.hint
    with pytest.raises(UsageError):
        run(embedder, ["A car."], "object", 0)
    with pytest.raises(StepError):
        EmbeddingReasoner(embedder).merge([], [], "object", 1)


def test_more_clusters_than_labels_are_split(embedder: Embedder) -> None:
    texts = sentences("A horse {place}.{word}", [""])
    _, taxonomy, answers = run(embedder, texts, "object", 5)
    assert len({name.casefold() for name in taxonomy.names}) == 5
    assert len(set(clusters(answers))) == 5


def test_texts_that_cannot_be_told_apart_still_give_k_distinct_names(embedder: Embedder) -> None:
    _, taxonomy, answers = run(embedder, ["a horse", "A horse", "A HORSE", "a horse."], "object", 4)
    assert len({name.casefold() for name in taxonomy.names}) == 4
    assert len(answers) == 4


def test_a_description_without_words_fails_alone(embedder: Embedder) -> None:
    labels, _, answers = run(embedder, ["A dog.", "", " \n", "...", "A cat."], "object", 2)
    for stage, row in (("label", labels), ("assign", answers)):
        failed = [x for x in row if isinstance(x, Failure)]
        assert [(f.image, f.stage, f.code) for f in failed] == [
            (f"{i}.png", stage, "empty-description") for i in (1, 2, 3)
        ]
    assert clusters(answers) == ["dog", "cat"]


def test_other_languages_and_pictures_get_answers(embedder: Embedder) -> None:
    texts = ["🐶🐶", "🐱", "犬が走っている", "Un perro corre en la playa", "Ein Hund läuft.", "A dog.", "‮dog"]
    labels, taxonomy, answers = run(embedder, texts, "object", 3)
    assert all(isinstance(x, Label) and x.label.strip() for x in labels)
    assert set(clusters(answers)) <= set(taxonomy.names)
    assert len(answers) == len(texts)


@pytest.mark.parametrize("criterion", ["?", "what animal is it? " * 600, "object" * 2000, "的"])
def test_odd_criteria_are_answered(embedder: Embedder, criterion: str) -> None:
    texts = sentences("The image features a {word} {place}.", ["dog", "cat"])
    _, _, answers = run(embedder, texts, criterion, 2)
    assert clusters(answers) == ["dog", "cat"] * 5


def test_equal_descriptions_get_one_answer_and_all_is_repeatable(embedder: Embedder) -> None:
    texts = sentences("A {word} stands {place}.", ["dog", "cat", "animal", "thing"]) * 3
    first, again = run(embedder, texts, "object", 3), run(embedder, texts, "object", 3)
    assert first == again
    answers = [a for a in first[2] if isinstance(a, Assignment)]
    assert len({(t, a.cluster, a.confidence) for t, a in zip(texts, answers, strict=True)}) == len(set(texts))


def test_confidence_is_lower_between_two_clusters(embedder: Embedder) -> None:
    texts = sentences("A {word} {place}.", ["dog", "airplane"])
    _, _, answers = run(embedder, [*texts, "A dog looks at an airplane at home."], "object", 2)
    sure = [a.confidence or 0.0 for a in answers if isinstance(a, Assignment)]
    assert all(0 <= c <= 1 and round(c, 4) == c for c in sure)
    assert sure[-1] == min(sure)


def test_names_written_by_a_person_are_used(embedder: Embedder) -> None:
    texts = sentences("The image features a {word} {place}.", ["brown dog", "dump truck", "violin"])
    own = Taxonomy("object", [Cluster("pets"), Cluster("vehicles"), Cluster("music")])
    answers = EmbeddingReasoner(embedder).assign(described(texts), own, "object")
    assert clusters(answers) == ["pets", "vehicles", "music"] * 5


def test_a_renamed_cluster_keeps_its_images(embedder: Embedder) -> None:
    texts = sentences("The image features a {word} {place}.", ["dog", "truck"])
    _, taxonomy, _ = run(embedder, texts, "object", 2)
    renamed = Taxonomy("object", [Cluster(f"group of {c.labels}", "", c.labels) for c in taxonomy.clusters])
    answers = EmbeddingReasoner(embedder).assign(described(texts), renamed, "object")
    assert clusters(answers) == ["group of {'dog': 5}", "group of {'truck': 5}"] * 5


@dataclass
class Measured:
    """Evidence that knows better than the words."""

    groups: Sequence[int]

    def evidence(self, descriptions: Sequence[Description], criterion: str) -> Vectors | None:
        rows = np.eye(3, 8)[[self.groups[int(d.image.removesuffix(".png"))] for d in descriptions]]
        return np.asarray(rows, dtype=np.float32)


def test_measured_evidence_makes_the_groups_and_labels_name_them(embedder: Embedder) -> None:
    colours = [
        ["maroon", "red", "red", "brown"],
        ["olive", "green", "green", "brown"],
        ["navy", "blue", "blue", "grey"],
    ]
    texts = [f"Mostly {word}, on a white background." for row in colours for word in row]
    groups = [0] * 4 + [1] * 4 + [2] * 4
    reasoner = EmbeddingReasoner(embedder, Measured(groups))
    descriptions = described(texts)
    labels = [x for x in reasoner.label(descriptions, "dominant colour") if isinstance(x, Label)]
    taxonomy = reasoner.merge(descriptions, labels, "dominant colour", 3)
    answers = reasoner.assign(descriptions, taxonomy, "dominant colour")
    assert sorted(taxonomy.names) == ["blue", "green", "red"]
    assert clusters(answers) == [("red", "green", "blue")[g] for g in groups]


def test_names_are_plain_words(embedder: Embedder) -> None:
    texts = sentences("In this picture, we can see the {word}'s owner with a {word} {place}!", ["dog", "cat", "bird"])
    _, taxonomy, _ = run(embedder, texts, "animal", 3)
    assert all(re.fullmatch(r"[a-z]+( [a-z]+)*", name) for name in taxonomy.names)
    assert not {"image", "picture", "scene"} & {w for name in taxonomy.names for w in name.split()}
