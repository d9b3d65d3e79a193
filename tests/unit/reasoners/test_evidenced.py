"""A model's choice of K, with what resamplings say of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from ictc.interfaces import Tick, Vectors, no_tick
from ictc.reasoners.evidenced import EvidencedReasoner
from ictc.types import Assignment, Cluster, Description, Failure, KChoice, Label, Taxonomy

N = 60


class Lines:
    """Embeds `c i` near the corner c of a square."""

    fingerprint = "lines/1"

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        rows = np.zeros((len(texts), 6), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            corner, i = map(int, text.split())
            row[corner], row[4 + i % 2] = 1, 0.1 * (i % 5)
        found: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return found


class Choosing:
    """Names two groups: `method` says who chose that there are two."""

    fingerprint = "choosing/1"

    def __init__(self, method: str) -> None:
        self.method = method

    def label(self, descriptions: Sequence[Description], criterion: str, tick: Tick = no_tick) -> list[Label | Failure]:
        raise AssertionError

    def merge(
        self, descriptions: Sequence[Description], labels: Sequence[Label], criterion: str, k: int | None
    ) -> Taxonomy:
        choice = None if k else KChoice(2, self.method, "two")
        return Taxonomy(criterion, [Cluster("a", labels={"a": 1}), Cluster("b", labels={"b": 1})], choice)

    def assign(
        self, descriptions: Sequence[Description], taxonomy: Taxonomy, criterion: str, tick: Tick = no_tick
    ) -> list[Assignment | Failure]:
        raise AssertionError


def merged(corners: int, n: int = N, *, k: int | None = None, apart: int = 2, method: str = "the model") -> Taxonomy:
    """`corners` places in the space; the label says which half of `apart` parts an image is of."""
    descriptions = [Description(f"{i}", f"{i % corners} {i}", "m") for i in range(n)]
    labels = [Label(d.image, "ab"[(i // apart if apart > 2 else i) % 2]) for i, d in enumerate(descriptions)]
    return EvidencedReasoner(Choosing(method), Lines()).merge(descriptions, labels, "x", k)


def test_groups_that_embeddings_find_again_are_told_so() -> None:
    choice = merged(2).choice
    assert choice is not None and choice.k == 2
    assert choice.reason.startswith("two; 10 resamplings") and choice.reason.endswith("much the same groups (ARI 1.00)")


def test_groups_that_they_do_not_find_are_told_so() -> None:
    choice = merged(2, apart=3).choice
    assert choice is not None and "give other groups (ARI" in choice.reason


@pytest.mark.parametrize("n", [2, 19])
def test_few_images_say_nothing(n: int) -> None:
    choice = merged(2, n).choice
    assert choice is not None and choice.reason == "two; too few images or names to say how stable these are"


def test_what_the_model_did_not_choose_stays() -> None:
    assert merged(2, k=2).choice is None
    choice = merged(2, method="the criterion").choice
    assert choice is not None and choice.reason == "two"
