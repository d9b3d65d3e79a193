"""The map as a drawing: images of one position lie together, and names hide neither each other nor the dots."""

import numpy as np
import pytest

from ictc.report.map_view import HEIGHT, WIDTH, map_view
from ictc.types import Assignment


def drawn(xy: np.ndarray, groups: np.ndarray, names: list[str]):
    shown = [Assignment(f"{i}.jpg", names[g]) for i, g in enumerate(groups)]
    return map_view(np.asarray(xy, dtype=float), shown, names, len(shown))


def test_images_of_one_position_form_a_disc_and_the_others_stay_apart():
    xy = np.repeat([[0, 0], [1, 0], [0, 1], [1, 1]], [1, 2, 60, 900], axis=0)
    found = drawn(xy, np.zeros(len(xy), dtype=int), ["calm"])
    points = np.array(found.groups[0].points)
    for start, n in ((0, 1), (1, 2), (3, 60), (63, 900)):
        disc = points[start : start + n]
        assert np.linalg.norm(disc - disc[0], axis=1).max() <= 26
        assert len(np.unique(disc, axis=0)) >= min(n, 40), "so many are seen to be many"
    assert points.min() > 0 and (points < [WIDTH, HEIGHT]).all()
    assert found == drawn(xy, np.zeros(len(xy), dtype=int), ["calm"])


@pytest.mark.parametrize("n", [30, 1500])
def test_names_hide_neither_dots_nor_names(n):
    rng = np.random.default_rng(3)
    centres = np.array([[x, y] for x in range(4) for y in range(3)])
    groups = np.arange(n) % 12
    found = drawn(centres[groups] + rng.normal(0, 0.12, (n, 2)), groups, [f"a name {i}" for i in range(12)])
    dots = np.array([p for g in found.groups for p in g.points])
    assert len(found.labels) == 12
    for label in found.labels:
        half = len(label.name) * 3.6
        hidden = (np.abs(dots[:, 0] - label.x) < half) & (np.abs(dots[:, 1] - label.y) < 8)
        assert hidden.sum() == 0, label.name
        others = [o for o in found.labels if o is not label]
        assert all(abs(o.x - label.x) >= 2 * half or abs(o.y - label.y) >= 16 for o in others)
        own = np.array(next(g.points for g in found.groups if g.name == label.name))
        assert np.linalg.norm(own - [label.x, label.y], axis=1).min() < 120, "near its own"


def test_a_crowd_without_room_still_has_its_largest_names():
    rng = np.random.default_rng(4)
    groups = np.arange(3000) % 5
    found = drawn(rng.uniform(size=(3000, 2)), groups, [f"name {i}" for i in range(5)])
    assert len(found.labels) == 5
    assert all(0 < label.x < WIDTH and 0 < label.y < HEIGHT for label in found.labels)
