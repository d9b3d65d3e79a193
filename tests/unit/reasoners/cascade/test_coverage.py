"""The sample that is labelled: distinct, spread out, and the same each time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictc.reasoners.cascade.coverage import cover
from ictc.reasoners.spherical import unit


def heaps(sizes: list[int], seed: int = 0, d: int = 16) -> np.ndarray:
    """Unit float32 rows in heaps at right angles to each other."""
    draw = np.random.default_rng(seed)
    middles = np.eye(d)[: len(sizes)]
    rows = np.repeat(middles, sizes, axis=0) + draw.normal(0, 0.05, (sum(sizes), d))
    return unit(rows).astype(np.float32)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 60), m=st.integers(1, 80), seed=st.integers(0, 1000))
def test_distinct_in_order_and_within_range(n: int, m: int, seed: int) -> None:
    rows = unit(np.random.default_rng(seed).normal(size=(n, 5))).astype(np.float32)
    found = cover(rows, m)
    assert 1 <= len(found) <= min(n, m)
    assert np.array_equal(found, np.unique(found)) and found[0] >= 0 and found[-1] < n
    assert np.array_equal(found, cover(rows.copy(), m))


def test_a_small_heap_far_away_is_reached() -> None:
    rows = heaps([600, 380, 6])
    found = cover(rows, 12)
    reached = np.digitize(found, [600, 980])
    assert set(reached) == {0, 1, 2}
    assert not set(range(980, 986)) & set(range(12)), "the first twelve would not have been it"


def test_all_of_them_where_so_many_are_wanted() -> None:
    rows = np.eye(7, dtype=np.float32)
    assert list(cover(rows, 7)) == list(cover(rows, 50)) == list(range(7))


@pytest.mark.parametrize("n", [1, 2, 40])
def test_rows_that_are_all_equal_need_one(n: int) -> None:
    assert len(cover(np.tile(unit(np.ones((1, 8))), (n, 1)).astype(np.float32), 5)) == 1


def test_rows_of_zeros_do_no_harm() -> None:
    rows = np.concatenate([np.zeros((3, 16), np.float32), heaps([10, 10])])
    found = cover(rows, 6)
    assert 1 <= len(found) <= 6 and len(set(found.tolist())) == len(found)


def test_of_many_rows_those_looked_at_are_numbered_as_all() -> None:
    rows = heaps([9000, 40])  # every second row is looked at
    found = cover(rows, 8)
    assert found[-1] >= 9000, "the small heap is at the end"
    assert len(found) <= 8 and found[-1] < 9040
