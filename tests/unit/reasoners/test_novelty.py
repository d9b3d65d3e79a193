"""Which rows are unlike all others, and the neighbours that this is judged by."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ictc.interfaces import Vectors
from ictc.reasoners import novelty
from ictc.reasoners.nearest import nearest_rows
from ictc.reasoners.novelty import FEWEST, LEAST, NEIGHBOURS, deviations, unlike
from ictc.reasoners.spherical import unit


def bunches(each: int, of: int = 4, spread: float = 0.08, d: int = 32) -> Vectors:
    """`each` rows around each of `of` directions."""
    draw = np.random.default_rng(0)
    return unit(np.repeat(np.eye(of, d), each, 0) + draw.normal(0, spread, (each * of, d))).astype(np.float32)


def strangers(n: int, d: int = 32) -> Vectors:
    """Rows unlike those of `bunches` and unlike each other."""
    return np.eye(d, dtype=np.float32)[8 : 8 + n]


def once(rows: Vectors) -> NDArray[np.intp]:
    return np.ones(len(rows), dtype=np.intp)


@pytest.mark.parametrize("each", [5, 25, 200])
def test_strangers_are_found_and_nobody_else(each: int) -> None:
    rows = np.vstack([bunches(each), strangers(max(1, each // 50))])
    assert sorted(unlike(rows, once(rows)).tolist()) == list(range(4 * each, len(rows)))
    assert not len(unlike(bunches(each), once(bunches(each))))


def test_the_most_unlike_comes_first() -> None:
    near = unit(strangers(1) + 0.8 * bunches(1)[:1])
    rows = np.vstack([bunches(50), near, strangers(2)[1:]])
    assert unlike(rows, once(rows)).tolist() == [201, 200]


def test_a_group_of_strangers_is_a_group() -> None:
    alone = bunches(NEIGHBOURS + 1, of=6)[-(NEIGHBOURS + 1) :]
    rows = np.vstack([bunches(50), alone])
    assert not len(unlike(rows, once(rows)))


def test_few_rows_have_no_outliers() -> None:
    rows = np.vstack([bunches(5)[: FEWEST - 2], strangers(1)])
    assert len(rows) == FEWEST - 1 and not len(unlike(rows, once(rows)))
    rows = np.vstack([bunches(5)[: FEWEST - 1], strangers(1)])
    assert unlike(rows, once(rows)).tolist() == [FEWEST - 1]
    assert not len(unlike(rows[:0], once(rows[:0])))


def test_half_that_says_nearly_the_same_makes_no_outliers_of_the_other_half() -> None:
    rows = np.vstack([bunches(100, of=1, spread=0.001), bunches(25, of=4, spread=0.15)])
    assert not len(unlike(rows, once(rows)))
    same = bunches(50, spread=0.001)
    assert not len(unlike(same, once(same))), "differences that say nothing"


def test_a_row_that_stands_for_many_images_is_no_outlier() -> None:
    rows = np.vstack([bunches(50), strangers(2)])
    copies = once(rows)
    copies[-1] = NEIGHBOURS + 1
    assert unlike(rows, copies).tolist() == [200]
    copies[-1] = NEIGHBOURS
    assert sorted(unlike(rows, copies).tolist()) == [200, 201]


def test_above_the_bound_a_part_stands_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.vstack([bunches(200), strangers(3)])
    monkeypatch.setattr(novelty, "MOST", 500)
    monkeypatch.setattr(novelty, "REFERENCE", 200)
    found = unlike(rows, once(rows)).tolist()
    assert sorted(found[:3]) == [800, 801, 802] and len(found) < 8


def test_deviations_are_of_the_upper_half() -> None:
    assert deviations(np.array([0.0, 1.0, 2.0, 3.0, 9.0])).tolist() == [-1.349, -0.674, 0, 0.674, 4.722]
    assert deviations(np.zeros(5)).tolist() == [0] * 5
    assert deviations(np.array([0.5, 0.5, 0.5 + LEAST])).max() < 1


def test_nearest_rows_are_those_of_all_pairs() -> None:
    rows = bunches(80)
    alike = rows @ rows.T
    np.fill_diagonal(alike, -np.inf)
    near, found = nearest_rows(rows, 7)
    assert np.array_equal(np.sort(near), np.sort(np.argsort(-alike, axis=1)[:, :7]))
    assert np.allclose(np.sort(found), np.sort(-np.sort(-alike, axis=1)[:, :7]), atol=1e-6)
    some = np.arange(3, 320, 5)
    near, found = nearest_rows(rows, 4, some)
    wanted = some[np.argsort(-alike[:, some], axis=1)[:, :4]]
    assert np.array_equal(np.sort(near), np.sort(wanted)), "never itself, and only among those"
    assert np.allclose(np.sort(found), np.sort(np.take_along_axis(alike, wanted, 1)), atol=1e-6)
