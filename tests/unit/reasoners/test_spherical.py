"""The numerics on unit rows, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from ictc.reasoners import spherical
from ictc.reasoners.spherical import means, medoids, nested_medoids, unit

ROWS = np.random.default_rng(1).standard_normal((50, 6)).astype(np.float32)


def test_means_by_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spherical, "BLOCK", 7)
    groups = np.random.default_rng(2).integers(-1, 4, 50)
    found = means(ROWS, groups, 5)
    for g in range(4):
        np.testing.assert_allclose(found[g], ROWS[groups == g].astype(np.float64).mean(0), rtol=1e-9)
    assert not found[4].any()


def test_unit_rows_keep_their_precision() -> None:
    rows = unit(np.vstack([ROWS, np.zeros((1, 6), np.float32)]))
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1] * 50 + [0], atol=1e-6)


def test_nested_medoids_begin_alike_and_are_nearly_as_good() -> None:
    rows, weights = unit(ROWS), np.ones(50)
    chosen = nested_medoids(rows, weights, 8)
    assert len(set(chosen)) == 8
    assert nested_medoids(rows, weights, 5) == chosen[:5]
    served = [
        float(np.maximum(rows @ rows[picked].T, 0).max(1).sum()) for picked in (chosen, medoids(rows, weights, 8))
    ]
    assert served[0] >= 0.95 * served[1]
