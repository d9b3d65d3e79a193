"""Outliers, neighbours across groups and near-duplicates, against what was planted."""

from __future__ import annotations

import numpy as np

from ictc.analysis.apart import EACH, across, near, outliers
from ictc.interfaces import Vectors
from ictc.reasoners.spherical import unit


def two_groups() -> tuple[Vectors, np.ndarray]:
    rng = np.random.default_rng(1)
    rows = rng.normal(0, 0.05, (60, 16)) + np.repeat(np.eye(16)[:2], 30, axis=0)
    return unit(rows).astype(np.float32), np.repeat([0, 1], 30)


def test_an_image_far_from_its_centre_is_an_outlier() -> None:
    rows, groups = two_groups()
    rows[7] = np.eye(16)[5]
    found = outliers(rows, groups, 3)
    assert found[0][0][0] == 7
    assert found[0][0][1] < 0.3
    assert all(i != 7 for i, _ in found[1])
    assert found[2] == []


def test_a_small_group_has_no_outliers_and_equal_images_are_none() -> None:
    rows, groups = two_groups()
    assert outliers(rows[25:35], groups[25:35], 2) == [[], []]
    assert outliers(np.repeat(rows[:1], 20, axis=0), np.zeros(20, np.intp), 1) == [[]]


def test_images_that_lie_as_chance_scatters_them_are_no_outliers() -> None:
    draw = np.random.default_rng(3)
    rows = unit(draw.normal(0, 0.05, (2000, 64)) + np.eye(64)[0]).astype(np.float32)
    assert len(outliers(rows, np.zeros(2000, np.intp), 1)[0]) <= 10, "one in 200: what is told is rare"
    alike = rows @ unit(rows.mean(0)[None])[0]
    for deviations, told in ((1.5, False), (6.0, True)):
        cosine = alike.mean() - deviations * alike.std()
        rows[0] = cosine * unit(rows[1:].mean(0)[None])[0]
        rows[0, 1] += np.sqrt(1 - cosine**2)
        found = {i for i, _ in outliers(unit(rows), np.zeros(2000, np.intp), 1)[0]}
        assert (0 in found) == told


def test_neighbours_are_of_different_groups_each_in_one_pair() -> None:
    rows, groups = two_groups()
    rows[3] = rows[40]
    groups[50] = -1
    pairs = across(rows, groups, 20)
    assert pairs[0][:2] == (3, 40)
    assert pairs[0][2] == 1
    assert len(pairs) == EACH
    used = [i for pair in pairs for i in pair[:2]]
    assert len(used) == len(set(used))
    assert 50 not in used
    assert across(rows, np.zeros(60, np.intp), 20) == []


def test_near_is_what_lies_nearest_of_all_and_equal_files_are_no_pair() -> None:
    rows, _ = two_groups()
    rows[9] = rows[8]
    alike = rows @ rows.T - 2 * np.eye(60)
    found = near(rows, 0.9)
    assert found[0] == (8, 9, 1.0)
    assert {frozenset(p[:2]) for p in found} == {
        frozenset((i, int(j))) for i, j in enumerate(alike.argmax(1)) if alike[i, j] >= 0.9
    }
    names = [str(i) for i in range(60)]
    names[9] = names[8]
    assert (8, 9) not in {pair[:2] for pair in near(rows, 0.9, names)}
    assert near(rows, 1.1) == []
