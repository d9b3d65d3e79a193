"""Positions on a flat map: neighbours stay together, equal vectors lie on one spot, the same seed says the same."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from ictc.errors import MissingExtra, UsageError
from ictc.interfaces import Vectors
from ictc.maps.methods import METHODS, positions
from ictc.reasoners.spherical import unit
from ictc.report.map import layout

_PACKAGE = {"umap": "umap", "opentsne": "openTSNE"}
METHOD = [
    pytest.param(
        m, marks=pytest.mark.skipif(find_spec(_PACKAGE.get(m, "sklearn")) is None, reason=f"{m}: not installed")
    )
    for m in METHODS
]


def two_groups(each: int = 20) -> Vectors:
    rng = np.random.default_rng(3)
    rows = rng.normal(0, 0.1, (2 * each, 8)) + np.repeat(np.eye(8)[:2], each, axis=0)
    return unit(rows).astype(np.float32)


@pytest.mark.parametrize("method", METHOD)
def test_groups_stay_apart_and_the_same_seed_says_the_same(method: str) -> None:
    rows = two_groups()
    rows[1] = rows[0]
    xy = positions(rows, method, 5)
    assert xy.shape == (40, 2)
    assert np.array_equal(xy[0], xy[1])
    assert np.array_equal(xy, positions(rows, method, 5))
    apart = np.linalg.norm(xy[:, None] - xy[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    nearest = apart[1:].argmin(axis=1)
    assert ((nearest < 20) == (np.arange(1, 40) < 20)).mean() > 0.9


def test_pca_is_scikit_learns_and_the_default_is_the_reports() -> None:
    from sklearn.decomposition import PCA

    rows = two_groups()
    theirs = PCA(2, svd_solver="full").fit_transform(rows.astype(np.float64))
    np.testing.assert_allclose(np.abs(positions(rows, "pca")), np.abs(theirs), atol=1e-5)
    assert np.array_equal(positions(rows, "tsne", 0), layout(rows))
    assert not np.array_equal(positions(two_groups(), "tsne", 0), positions(two_groups(), "pca", 0))


@pytest.mark.parametrize("rows", [two_groups()[:4], np.repeat(two_groups()[:1], 9, axis=0), two_groups()[:1]])
def test_nothing_to_draw_is_told(rows: Vectors) -> None:
    with pytest.raises(UsageError, match="nothing to draw"):
        positions(rows, "pca")


def test_a_method_that_is_none_and_one_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no such map"):
        positions(two_groups(), "magic")
    monkeypatch.setattr("ictc.maps.methods.find_spec", lambda _name: None)
    for method in ("umap", "opentsne"):
        with pytest.raises(MissingExtra) as error:
            positions(two_groups(), method)
        assert error.value.hint == f"Run: pip install 'ictc[{method}]'"
