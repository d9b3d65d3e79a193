"""Clusterers: scikit-learn's own results, with automatic parameters and given ones, and bad input told clearly."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from ictc.errors import InputError, SpecError, UsageError
from ictc.interfaces import Vectors
from ictc.lane.clusterers import NAMES, Clustering, check_clusterer, cluster, takes_k
from ictc.reasoners.spherical import Index, unit

SKLEARN = {
    "kmeans": "sklearn.cluster:KMeans",
    "minibatch": "sklearn.cluster:MiniBatchKMeans",
    "spectral": "sklearn.cluster:SpectralClustering",
    "agglomerative": "sklearn.cluster:AgglomerativeClustering",
    "dbscan": "sklearn.cluster:DBSCAN",
    "hdbscan": "sklearn.cluster:HDBSCAN",
    "gmm": "sklearn.mixture:GaussianMixture",
    "optics": "sklearn.cluster:OPTICS",
    "sklearn.cluster:Birch": "sklearn.cluster:Birch",
    "sklearn.cluster:BisectingKMeans": "sklearn.cluster:BisectingKMeans",
}


@pytest.fixture(scope="module", autouse=True)
def two_threads() -> Iterator[None]:
    """What is found does not depend on how many threads there are: those compared with are given one."""
    with threadpool_limits(2):
        yield


def _digits() -> tuple[Vectors, Index]:
    pixels, truth = load_digits(return_X_y=True)
    return unit(pixels[:500].astype(np.float32)), truth[:500]


ROWS, TRUTH = _digits()


def _blobs(n: int, k: int, d: int = 8, seed: int = 0) -> Vectors:
    draw = np.random.default_rng(seed)
    centres = np.eye(d)[:k] * 5
    return unit((centres[np.arange(n) % k] + 0.3 * draw.standard_normal((n, d))).astype(np.float32))


def _same(one: NDArray[np.integer], other: NDArray[np.integer]) -> bool:
    """The same partition with the same outliers."""
    pairs = set(zip(one.tolist(), other.tolist(), strict=True))
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs}) and all(
        (a < 0) == (b < 0) for a, b in pairs
    )


@pytest.mark.parametrize("name", SKLEARN)
@pytest.mark.parametrize("k", [10, None])
def test_groups_are_scikit_learns_own_with_the_reported_parameters(name: str, k: int | None) -> None:
    found = cluster(ROWS, name, k, {}, seed=3)
    module, _, attribute = SKLEARN[name].partition(":")
    with threadpool_limits(1):
        expected = getattr(import_module(module), attribute)(**found.params).fit_predict(ROWS)
    assert _same(found.groups, expected)
    assert found.params.get("random_state", 3) == 3
    if k and takes_k(name):
        assert len(found.centres) == len(np.unique(expected[expected >= 0])) == k
        assert found.choice is None
    assert (found.choice is not None) == (k is None and takes_k(name))


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("kmeans", {"n_init": "3", "init": "random", "random_state": "5"}),
        ("agglomerative", {"linkage": "average", "metric": "cosine"}),
        ("agglomerative", {"distance_threshold": "1.5"}),
        ("dbscan", {"eps": "0.3", "min_samples": "4"}),
        ("dbscan", {"metric": "cosine"}),
        ("hdbscan", {"min_cluster_size": "10", "allow_single_cluster": "true", "max_cluster_size": "none"}),
        ("gmm", {"covariance_type": "spherical", "reg_covar": "1e-4"}),
        ("spectral", {"affinity": "rbf", "gamma": "5"}),
        ("optics", {"max_eps": "inf", "xi": "0.1"}),
    ],
)
def test_given_parameters_rule(name: str, params: dict[str, str]) -> None:
    found = cluster(ROWS, name, None if "distance_threshold" in params else 6, params, seed=0)
    module, _, attribute = SKLEARN[name].partition(":")
    for given_name, text in params.items():
        assert str(found.params[given_name]).lower() in (text, str(float(text)) if text[0].isdigit() else text)
    with threadpool_limits(1):
        assert _same(found.groups, getattr(import_module(module), attribute)(**found.params).fit_predict(ROWS))


@pytest.mark.parametrize("name", [n for n in NAMES if n != "text"])
def test_the_same_again_and_numbered_by_size(name: str) -> None:
    one, again = (cluster(ROWS, name, 10, {}, seed=1) for _ in range(2))
    assert np.array_equal(one.groups, again.groups)
    assert one.centres.tobytes() == again.centres.tobytes()
    sizes = np.bincount(one.groups[one.groups >= 0])
    assert (np.diff(sizes) <= 0).all()
    np.testing.assert_allclose(np.linalg.norm(one.centres, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("name", ["kmeans", "spherical", "minibatch", "spectral", "agglomerative", "gmm"])
def test_plain_groups_are_found(name: str) -> None:
    found = cluster(_blobs(120, 4), name, None, {}, seed=0)
    assert found.choice is not None
    assert found.choice.k == 4
    assert _same(found.groups, np.arange(120) % 4)


@pytest.mark.parametrize("name", ["dbscan", "hdbscan"])
def test_groups_by_density_with_an_outlier(name: str) -> None:
    rows = np.vstack([_blobs(120, 4), -np.ones((1, 8), np.float32) / np.sqrt(8)]).astype(np.float32)
    found = cluster(rows, name, None, {}, seed=0)
    assert found.groups[-1] == -1
    assert adjusted_rand_score(np.arange(120) % 4, found.groups[:-1]) > 0.9
    assert any("outliers" in note for note in found.notes)


def test_what_was_found_automatically_is_told() -> None:
    found = cluster(ROWS, "dbscan", 7, {}, seed=0)
    told = " ".join(found.notes)
    assert f"eps {found.params['eps']}" in told
    assert "-k 7 was not used" in told
    chosen = cluster(ROWS, "kmeans", None, {}, seed=0).choice
    assert chosen is not None
    assert chosen.k in dict(chosen.curve)
    assert "silhouette" in chosen.method
    assert "resamplings" in chosen.reason


def test_k_by_the_estimators_own_name() -> None:
    assert len(cluster(ROWS, "kmeans", None, {"n_clusters": "4"}, seed=0).centres) == 4
    with pytest.raises(UsageError, match="contradict"):
        cluster(ROWS, "gmm", 3, {"n_components": "4"}, seed=0)


@pytest.mark.parametrize(
    ("name", "params", "told"),
    [
        ("kmeans", {"eps": "1"}, r"no parameter 'eps'(.|\n)*n_init"),
        ("text", {"texts": "1"}, "no parameter 'texts'"),
        ("dbscan", {"eps": "-1"}, r"'eps' parameter of DBSCAN must be a float in the range"),
        ("dbscan", {"eps": "far"}, "'eps' parameter"),
        ("dbscan", {"min_samples": "0"}, "'min_samples' parameter"),
        ("dbscan", {"metric": "taste"}, "taste"),
        ("kmeans", {"n_init": "0"}, "'n_init' parameter"),
        ("kmeans", {"n_clusters": "two"}, "whole number"),
        ("spherical", {"n_init": "0"}, "n_init=0"),
        ("spectral", {"n_neighbors": "many"}, "'n_neighbors' parameter"),
        ("hdbscan", {"min_cluster_size": "1"}, "'min_cluster_size' parameter"),
    ],
)
def test_bad_parameters(name: str, params: dict[str, str], told: str) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        cluster(ROWS, name, None if "n_clusters" in params else 3, params, seed=0, texts=ROWS[:3])
    assert caught.value.hint


@pytest.mark.parametrize(
    "name", ["kmean", "sklearn.cluster:Nothing", "no.such:Thing", ":", "json:dumps", "pathlib:Path", "datetime:date"]
)
def test_no_such_clusterer(name: str) -> None:
    with pytest.raises((SpecError, UsageError)) as caught:
        cluster(ROWS, name, 3, {}, seed=0)
    assert "kmeans" in caught.value.hint or "fit_predict" in str(caught.value) or "param" in caught.value.hint


@pytest.mark.parametrize("name", [n for n in NAMES if n != "text"])
def test_one_image_and_all_alike_are_one_group(name: str) -> None:
    for rows in (ROWS[:1], np.repeat(ROWS[:1], 30, axis=0), np.zeros((4, 3), np.float32)):
        for k in (1, None):
            found = cluster(rows, name, k, {}, seed=0)
            assert found.groups.tolist() == [0] * len(rows)
            assert found.centres.shape == (1, rows.shape[1])
            assert found.notes
    with pytest.raises(UsageError, match="1 different vectors"):
        cluster(np.repeat(ROWS[:1], 30, axis=0), name, 2, {}, seed=0)


@pytest.mark.parametrize("name", ["kmeans", "spherical", "spectral", "gmm", "sklearn.cluster:Birch", "dbscan"])
def test_k_that_cannot_be(name: str) -> None:
    with pytest.raises(UsageError, match=r"-k 6 is more than the 5 images"):
        cluster(ROWS[:5], name, 6, {}, seed=0)
    with pytest.raises(UsageError, match="at least one"):
        cluster(ROWS[:5], name, 0, {}, seed=0)


@pytest.mark.parametrize("name", [n for n in NAMES if n != "text"])
@pytest.mark.parametrize("n", [2, 3, 4, 6])
def test_few_images(name: str, n: int) -> None:
    """Every K that is possible gives an answer, or says why not."""
    for k in (*range(1, n + 1), None):
        try:
            found = cluster(ROWS[:n], name, k, {}, seed=0)
        except UsageError as error:
            assert name in ("spectral", "gmm"), error
            assert error.message.startswith(name)
            continue
        assert found.groups.shape == (n,)
        if k and takes_k(name) and len(found.centres) < k:
            assert name == "minibatch"  # it draws with replacement, and can miss some of so few
            assert any(f"asked for {k} groups" in note for note in found.notes)


@pytest.mark.parametrize(("value", "told"), [(np.nan, "NaN"), (np.inf, "infinite"), (0.0, "zeros")])
def test_vectors_that_cannot_be_clustered_are_named(value: float, told: str) -> None:
    rows = ROWS[:10].copy()
    rows[3] = value
    with pytest.raises(InputError, match=rf"1 of 10 .*i3\.png \(.*{told}") as caught:
        cluster(rows, "kmeans", 2, {}, seed=0, names=[f"i{i}.png" for i in range(10)])
    assert "--recompute" in caught.value.hint
    with pytest.raises(InputError, match="no vectors"):
        cluster(ROWS[:0], "kmeans", 2, {}, seed=0)


class Odd:
    """Not scikit-learn's: gives what no clusterer gives."""

    def __init__(self, what: str = "short") -> None:
        self.what = what

    def fit_predict(self, X: Vectors) -> object:
        if self.what == "raise":
            raise RuntimeError("no\n  luck")
        if self.what == "memory":
            raise MemoryError
        return [0.5] * len(X) if self.what == "floats" else [0]


@pytest.mark.parametrize(
    ("what", "told"), [("short", "one whole number"), ("floats", "float64"), ("raise", "no luck"), ("memory", "memory")]
)
def test_an_estimator_that_misbehaves(what: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    from types import ModuleType

    module = ModuleType("an_odd_module")
    module.Odd = Odd  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "an_odd_module", module)
    with pytest.raises(UsageError, match=told):
        cluster(ROWS, "an_odd_module:Odd", None, {"what": what}, seed=0)


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(2, 40),
    k=st.integers(1, 6),
    copies=st.integers(1, 3),
    seed=st.integers(0, 10_000),
    name=st.sampled_from(["kmeans", "spherical", "minibatch", "agglomerative", "dbscan", "hdbscan", "optics"]),
)
def test_any_rows_give_a_clustering_or_a_clear_no(n: int, k: int, copies: int, seed: int, name: str) -> None:
    rows = unit(np.random.default_rng(seed).standard_normal((n, 4)).astype(np.float32)).repeat(copies, axis=0)
    try:
        found: Clustering = cluster(rows, name, k, {}, seed=seed)
    except UsageError:
        assert k > n
        return
    assert found.groups.shape == (n * copies,)
    present = np.unique(found.groups[found.groups >= 0])
    assert present.tolist() == list(range(len(found.centres)))
    if takes_k(name) and name != "minibatch":
        assert len(found.centres) == k
    if name not in ("minibatch", "hdbscan", "optics"):  # those cut between equal rows at times
        assert all(len(set(block)) == 1 for block in found.groups.reshape(n, copies).tolist())


def test_names_and_parameters_are_checked_before_there_are_vectors() -> None:
    check_clusterer("hdbscan", {"min_cluster_size": "7"})
    check_clusterer("sklearn.cluster:Birch", {"threshold": "0.3"})
    with pytest.raises(SpecError, match="no clusterer 'nope'"):
        check_clusterer("nope", {})
    with pytest.raises(UsageError, match="no parameter 'texts'"):
        check_clusterer("text", {"texts": "1"})


@pytest.mark.parametrize(("n", "k"), [(6, 2), (6, 3), (8, 2), (9, 3), (10, 2), (12, 3), (12, 4), (15, 5)])
def test_spectral_clustering_of_few_images_finds_their_groups(n: int, k: int) -> None:
    found = cluster(_blobs(n, k), "spectral", k, {}, seed=0)
    assert _same(found.groups, np.arange(n) % k) and found.params["n_neighbors"] <= n // k
    assert not any("says" in note for note in found.notes), "what is linked to what is said in plain words"


@pytest.mark.parametrize("name", ["spectral", "kmeans", "gmm", "agglomerative"])
@pytest.mark.parametrize("n", [2, 3, 5])
def test_as_many_groups_as_images(name: str, n: int) -> None:
    found = cluster(_blobs(n, 2), name, n, {}, seed=0)
    assert sorted(found.groups.tolist()) == list(range(n)) and len(found.centres) == n
