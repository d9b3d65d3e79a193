"""What clusterers are given when nobody says, and what they would cost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from ictc.errors import InputError, UsageError
from ictc.lane import cost as costs
from ictc.lane.automatic import LEAST_EPS, automatic, choose_k, eps_by_knee, knee, neighbours
from ictc.lane.clusterers import cluster
from ictc.lane.cost import Cost, cost, forewarn, machine_memory
from ictc.lane.params import read_params, typed
from ictc.lane.rows import check_rows, distinct
from ictc.reasoners.spherical import unit

DRAW = np.random.default_rng(2)
ROWS = unit((np.eye(6)[np.arange(90) % 3] + 0.1 * DRAW.standard_normal((90, 6))).astype(np.float32))


def test_the_knee_of_a_bent_line() -> None:
    curve = np.concatenate([np.linspace(0, 1, 90), np.linspace(1.5, 9, 10)])
    assert knee(curve) == 89
    assert knee(np.ones(5)) == 4


def test_eps_is_a_distance_to_the_neighbour_asked_for() -> None:
    eps = eps_by_knee(ROWS, 5)
    distances = NearestNeighbors(n_neighbors=5).fit(ROWS).kneighbors(ROWS)[0][:, -1]
    assert np.abs(distances - eps).min() < 1e-4
    assert (distances <= eps).mean() > 0.5
    assert neighbours(ROWS, eps) >= 5 * 0.5
    assert neighbours(ROWS, 2.1) == 90
    assert eps_by_knee(ROWS.repeat(6, axis=0), 5) == LEAST_EPS


def test_k_where_there_is_nothing_to_choose() -> None:
    assert choose_k(ROWS[:2], 0).k == 1
    assert choose_k(np.vstack([ROWS[:1], ROWS[1:2].repeat(9, axis=0)]), 0).k == 1


def test_given_parameters_are_left_alone() -> None:
    extra, notes = automatic("DBSCAN", {"eps": 0.2, "min_samples": 3}, ROWS, None)
    assert extra == {}
    assert notes == []
    assert automatic("GaussianMixture", {}, ROWS, 3)[0] == {"covariance_type": "full"}
    assert automatic("GaussianMixture", {}, ROWS, 30)[0] == {"covariance_type": "diag"}


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("agglomerative", {}),
        ("spectral", {"affinity": "rbf"}),
        ("hdbscan", {"metric": "cosine"}),
        ("dbscan", {"eps": "2"}),
        ("sklearn.cluster:AffinityPropagation", {}),
    ],
)
def test_too_much_memory_is_refused_before_it_starts(
    name: str, params: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "machine_memory", lambda: 2 * 64 * 1000)
    with pytest.raises(UsageError, match=r"90 vectors would need about .*GiB") as caught:
        cluster(ROWS, name, None, params, seed=0)
    assert "--clusterer minibatch" in caught.value.hint
    assert len(cluster(ROWS, "minibatch", 3, {}, seed=0).centres) == 3


def test_a_million_images_do_not_start_what_is_quadratic() -> None:
    with pytest.raises(UsageError, match=r"is kept twice"):
        forewarn("agglomerative", cost("AgglomerativeClustering", {}, 10**6, 512), 10**6, print)
    for kind in ("KMeans", "MiniBatchKMeans", "SphericalKMeans", "TextCentroidKMeans"):
        assert cost(kind, {}, 10**6, 512) == Cost()


def test_slow_ones_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    forewarn("optics", cost("OPTICS", {}, 100_000, 512), 100_000, print)
    told = capsys.readouterr().out
    assert "hours" in told
    assert "--clusterer minibatch" in told
    forewarn("optics", cost("OPTICS", {}, 1000, 64), 1000, print)
    assert capsys.readouterr().out == ""


def test_the_machine_has_memory() -> None:
    assert 2**28 < machine_memory() < 2**50


def test_params_are_read() -> None:
    assert read_params(["eps=0.3", "metric = cosine", "x=a=b"]) == {"eps": "0.3", "metric": "cosine", "x": "a=b"}
    for bad in (["eps"], ["=3"], ["eps="], ["a=1", "a=2"]):
        with pytest.raises(UsageError, match="--param"):
            read_params(bad)


@given(st.one_of(st.integers(), st.floats(allow_nan=False), st.booleans(), st.none()))
def test_values_keep_their_type(value: float | bool | None) -> None:
    found = typed({"x": str(value)}, {"x": None}, "it")["x"]
    assert found == value
    assert type(found) is type(value)


def test_a_whole_number_for_a_float() -> None:
    found = typed({"a": "1", "b": "1", "c": "true", "d": "cosine"}, {"a": 0.5, "b": 2, "c": False, "d": "x"}, "it")
    assert found == {"a": 1.0, "b": 1, "c": True, "d": "cosine"}
    assert type(found["a"]) is float


def test_rows_too_large_or_small_for_float32_squares_are_fine() -> None:
    check_rows(np.array([[1e30, 0], [1e-30, 0]], np.float32))
    for bad in (np.zeros((0, 4), np.float32), np.ones(4, np.float32), np.ones((2, 2), np.int64)):
        with pytest.raises(InputError, match="no vectors"):
            check_rows(bad)


def test_distinct_rows_are_counted_up_to_what_is_asked() -> None:
    rows = np.array([[0.0, 1], [-0.0, 1], [2, 1], [3, 1]], np.float32)
    assert distinct(rows, 10) == 3
    assert distinct(rows, 2) == 2
