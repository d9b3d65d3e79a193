"""Where descriptions lie among groups, and what it changes that some of them are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ictc.reasoners.assign import Places
from ictc.reasoners.spherical import k_means, unit
from ictc.reasoners.spreading import neighbours

EACH = 100


def misplaced() -> Places:
    """Three heaps in two groups and a third whose centre lies far from the last heap, beside the first."""
    draw = np.random.default_rng(0)
    rows = unit(np.repeat(np.eye(8)[:3], EACH, axis=0) + draw.normal(0, 0.12, (3 * EACH, 8)))
    centres = unit(np.asarray([np.eye(8)[0], np.eye(8)[1] + np.eye(8)[2], np.eye(8)[0] + 0.4 * np.eye(8)[5]]))
    groups, centres = k_means(rows, centres, 1)
    return Places(3 * EACH, rows, groups, centres, np.arange(3 * EACH), neighbours(rows, 3))


def test_known_rows_stay_and_draw_their_neighbours_along() -> None:
    places = misplaced()
    third = slice(2 * EACH, 3 * EACH)
    assert not np.any(places.shares().argmax(1)[third] == 2), "nothing leads there yet"
    known = dict.fromkeys(range(2 * EACH, 2 * EACH + 12), 2)
    after = places.shares(known).argmax(1)
    assert np.mean(after[third] == 2) > 0.95
    assert np.mean(after[EACH : 2 * EACH] == 1) > 0.95, "and those of another kind do not follow"


def test_held_rows_never_leave_their_group_while_the_centres_move() -> None:
    places = misplaced()
    held = np.full(3 * EACH, -1, dtype=np.intp)
    held[:20] = 1  # against all appearance
    groups, _ = k_means(places.rows, places.centres, 10, held)
    assert np.all(groups[:20] == 1) and np.mean(groups[20:EACH] != 1) > 0.5


@pytest.mark.parametrize("known", [None, {}])
def test_with_nothing_known_it_is_as_clustered(known: dict[int, int] | None) -> None:
    places = misplaced()
    assert np.array_equal(places.shares(known), places.shares())


def test_shares_are_shares_and_what_was_clustered_is_left_alone() -> None:
    places = misplaced()
    before = places.groups.copy(), places.centres.copy(), places.rows.copy()
    shares = places.shares({0: 2, 5: 1})
    assert shares.shape == (3 * EACH, 3) and np.allclose(shares.sum(1), 1) and shares.min() >= 0
    for kept, now in zip(before, (places.groups, places.centres, places.rows), strict=True):
        assert np.array_equal(kept, now)


def test_equal_rows_get_equal_shares_also_where_one_of_them_is_known() -> None:
    places = misplaced()
    twins = np.arange(3 * EACH) // 2 * 2
    places = replace(places, rows=places.rows[twins], groups=places.groups[twins], first=twins)
    shares = places.shares({1: 2})
    assert np.array_equal(shares[::2], shares[1::2])


def test_one_group_holds_everything() -> None:
    nothing = np.zeros(3, dtype=np.intp)
    places = Places(3, np.ones((3, 1)), nothing, np.ones((1, 1)), np.arange(3), None)
    assert np.array_equal(places.shares({0: 0}), np.ones((3, 1)))
