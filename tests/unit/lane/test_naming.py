"""Names by words: near to their own group, not to all; each once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictc.interfaces import Vectors
from ictc.lane.naming import name_clusters
from ictc.reasoners.spherical import unit

WORDS = ("cat", "dog", "ship", "thing")
COMMON = np.array([0.5, 0.5, 0.5, 0.5, 0.0])


def _images(groups: np.ndarray) -> Vectors:
    """Images of three kinds with something in common, as the vectors of one model have."""
    draw = np.random.default_rng(0)
    kinds = np.eye(5)[:3]
    return unit((kinds[groups] + COMMON + 0.05 * draw.standard_normal((len(groups), 5))).astype(np.float32))


GROUPS = np.arange(60) % 3
IMAGES = _images(GROUPS)
WORDLY = np.eye(5)[4]  # what words have and images have not
VECTORS = unit(np.vstack([np.eye(5)[:3] + 0.9 * WORDLY, COMMON]).astype(np.float32))


def test_each_group_has_its_word_and_what_is_near_to_all_names_none() -> None:
    assert (IMAGES @ VECTORS[3]).min() > (IMAGES @ VECTORS[:3].T).max()  # `thing` is nearest to every image
    assert name_clusters(GROUPS, IMAGES, WORDS, VECTORS) == ["cat", "dog", "ship"]
    order = [3, 2, 0, 1]
    again = name_clusters(GROUPS, IMAGES, [WORDS[i] for i in order], VECTORS[order])
    assert again == ["cat", "dog", "ship"]


def test_names_that_are_given_stay_and_are_not_used_again() -> None:
    found = name_clusters(GROUPS, IMAGES, WORDS, VECTORS, given=["", "cat", ""])
    assert found[1:] == ["cat", "ship"]
    assert found[0] in ("dog", "thing")


def test_two_groups_alike_share_no_name() -> None:
    halves = np.where(np.arange(60) < 30, 0, 1)
    cats = np.repeat(IMAGES[:1], 60, axis=0)
    found = name_clusters(halves, cats, WORDS, VECTORS)
    assert len(set(found)) == 2


def test_plain_words_go_first() -> None:
    words, vectors = (
        (*WORDS, "toy spaniel"),
        np.vstack([VECTORS, unit((np.eye(5)[1:2] + 0.5 * WORDLY).astype(np.float32))]),
    )
    assert name_clusters(GROUPS, IMAGES, words, vectors)[1] == "toy spaniel"
    assert name_clusters(GROUPS, IMAGES, words, vectors, plain=[True] * 3 + [False] * 2)[1] == "dog"


def test_numbers_where_words_or_images_are_missing() -> None:
    assert name_clusters(GROUPS, IMAGES, [], VECTORS[:0]) == ["cluster 1", "cluster 2", "cluster 3"]
    found = name_clusters(GROUPS, IMAGES, WORDS[:1], VECTORS[:1])
    assert found == ["cat", "cluster 2", "cluster 3"]
    assert name_clusters(GROUPS[:1], IMAGES[:1], WORDS, VECTORS, given=["", ""])[1] == "cluster 2"
    assert name_clusters(np.full(60, -1), IMAGES, WORDS, VECTORS) == []


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 30), k=st.integers(1, 6), m=st.integers(0, 8), seed=st.integers(0, 999))
def test_names_are_always_distinct(n: int, k: int, m: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    groups = draw.integers(-1, k, size=n)
    images, vectors = (unit(draw.standard_normal((size, 5)).astype(np.float32)) for size in (n, m))
    found = name_clusters(groups, images, [f"word {i}" for i in range(m)], vectors)
    assert len(found) == groups.max(initial=-1) + 1
    assert len(set(found)) == len(found)
    assert sum(name.startswith("word") for name in found) == min(m, len(np.unique(groups[groups >= 0])))


@pytest.mark.parametrize("k", [1, 2])
def test_few_groups(k: int) -> None:
    groups = np.arange(len(GROUPS)) % k
    kinds = _images(groups)
    assert name_clusters(groups, kinds, WORDS[:3], VECTORS[:3]) == list(WORDS[:k])
