"""Groups smoothed over the nearest neighbours."""

from __future__ import annotations

import numpy as np

from ictc.reasoners.nearest import MOST
from ictc.reasoners.spherical import Index, unit
from ictc.reasoners.spreading import LEAST, neighbours, spread


def two_rings(each: int) -> tuple[np.ndarray, Index]:
    """Points along two arcs that no straight border tells apart."""
    draw = np.random.default_rng(0)
    along = draw.uniform(0, np.pi, 2 * each)
    group = np.repeat([0, 1], each)
    x = np.where(group == 0, np.cos(along), 1 - np.cos(along))
    y = np.where(group == 0, np.sin(along), 0.4 - np.sin(along))
    rows = np.stack([x, y, np.full(2 * each, 2.0)], 1) + draw.normal(0, 0.03, (2 * each, 3))
    return unit(rows), group


def test_neighbours_outvote_a_stray_row() -> None:
    rows, group = two_rings(200)
    flipped = group.copy()
    flipped[::29] = 1 - flipped[::29]
    graph = neighbours(rows, 2)
    assert graph is not None
    shares = spread(graph, flipped, 2)
    assert np.allclose(shares.sum(1), 1)
    assert np.array_equal(shares.argmax(1), group)


def test_the_graph_is_symmetric_without_loops_and_the_same_whatever_the_blocks() -> None:
    rows, _ = two_rings(150)
    graph = neighbours(rows, 2)
    assert graph is not None
    dense = graph.toarray()
    assert np.allclose(dense, dense.T) and not dense.diagonal().any()
    nearest = (rows @ rows.T - 2 * np.eye(len(rows))).argmax(1)
    assert all(dense[i, j] > 0 for i, j in enumerate(nearest))


def test_too_few_or_too_many_rows_have_no_graph() -> None:
    rows, _ = two_rings(50)
    assert neighbours(rows, len(rows) // (4 * LEAST) + 1) is None
    assert neighbours(np.ones((MOST + 1, 1)), 2) is None
