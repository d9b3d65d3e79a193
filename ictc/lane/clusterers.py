"""Vectors to groups: scikit-learn's estimators as they are, and two k-means of our own (`lane.textcentroids`)."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

from ictc.errors import IctcError, SpecError, UsageError
from ictc.interfaces import Clusterer, Vectors
from ictc.lane.automatic import KNEE, automatic, choose_k, neighbours
from ictc.lane.cost import cost, forewarn
from ictc.lane.params import known_params, typed
from ictc.lane.rows import check_k, check_rows, distinct
from ictc.lane.textcentroids import TextCentroidKMeans
from ictc.reasoners.spherical import Array, Index, means, unit
from ictc.types import KChoice

_PATHS: Mapping[str, str] = {
    "kmeans": "sklearn.cluster:KMeans",
    "spherical": "ictc.lane.textcentroids:SphericalKMeans",
    "minibatch": "sklearn.cluster:MiniBatchKMeans",
    "spectral": "sklearn.cluster:SpectralClustering",
    "agglomerative": "sklearn.cluster:AgglomerativeClustering",
    "dbscan": "sklearn.cluster:DBSCAN",
    "hdbscan": "sklearn.cluster:HDBSCAN",
    "gmm": "sklearn.mixture:GaussianMixture",
    "optics": "sklearn.cluster:OPTICS",
    "text": "ictc.lane.textcentroids:TextCentroidKMeans",
}
NAMES = tuple(_PATHS)
TEXT = "text"
"""The one that needs texts."""
_K = ("n_clusters", "n_components")  # what estimators call the number of groups
_MANY_OUTLIERS = 0.5
_SQUARE = "The spectral clustering API has changed"  # said of as many vectors as they have numbers
_UNLINKED = "Graph is not fully connected"
PARTED = (
    "spectral: the images fall into parts that are nobody's nearest neighbours in another, and groups follow these "
    "parts first. To link more of them: --param n_neighbors=20"
)


@dataclass(frozen=True)
class Clustering:
    """`groups` [n]: -1 for an outlier, else the number of the group, the largest first. `centres` [k, d]: unit.

    `params` are all that the estimator was made with. `texts` [k]: for text centroids, the number of the text that
    holds each group; only there a group can be empty. `seconds`: what finding it took, when it was found.
    """

    groups: Index
    centres: Array
    params: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    choice: KChoice | None = None
    texts: Index | None = None
    seconds: float = 0.0


def quiet(_message: str) -> None:
    """Nobody listens."""


def cluster(
    rows: Vectors,
    name: str,
    k: int | None,
    params: Mapping[str, str],
    seed: int,
    texts: Vectors | None = None,
    *,
    names: Sequence[str] = (),
    tell: Callable[[str], None] = quiet,
) -> Clustering:
    """Group rows [n, d] by the clusterer `name` (one of `NAMES`, or `package.module:Class` with `fit_predict`).

    Rows may be centred. Rows that are all the same make one group, also where they are zeros (what centring leaves of
    them); whoever centres asks `rows.check_rows` before.

    Args:
        k: the number of groups; None: found by the clusterer, or chosen by silhouette.
        params: of the estimator, as text (`--param name=value`); they go before the automatic ones.
        texts: [k, d] for `text`.
        names: [n] what errors call the rows.
        tell: is told before it starts that it will be slow.

    Raises:
        InputError: vectors that cannot be clustered.
        UsageError: K or parameters that cannot be, texts of another width, or too much memory needed.
        SpecError: no such clusterer.
    """
    from threadpoolctl import threadpool_limits

    make = _constructor(name)
    known = known_params(make)
    texts = texts if name == TEXT else None
    if make.__name__ == "DBSCAN" and params.get("eps") == KNEE:
        params = {name: value for name, value in params.items() if name != "eps"}
    given = typed(params, _params_of(make), name)
    alike = len(rows) > 0 and distinct(rows, 2) == 1
    check_rows(rows, names, zeros=alike)
    named_k = next((p for p in _K if p in known), None)
    k = _wanted_k(name, k, given, named_k, texts, rows.shape[1])
    if texts is None and k is not None:
        check_k(k, rows)
    if texts is None and alike:
        return _all_alike(rows)
    start = time.perf_counter()
    with threadpool_limits(1), _plainly(name, len(rows)):  # sums over threads differ in their last bits between runs
        choice = None
        if k is None and named_k and given.get("distance_threshold") is None:
            choice = choose_k(rows, seed)
            k = choice.k
        extra, notes = automatic(make.__name__, given, rows, k)
        made = given | extra | _fixed(known, given, named_k, k, seed)
        if named_k and texts is None and k == len(rows):  # spectral clustering fails on them
            return _each_alone(rows, made, choice)
        near = neighbours(rows, made["eps"], made.get("metric", "euclidean")) if make.__name__ == "DBSCAN" else 0.0
        forewarn(name, cost(make.__name__, made, len(rows), rows.shape[1], near), len(rows), tell)
        estimator = make(**made) if texts is None else make(texts=texts, **made)
        found, said = _fitted(name, estimator, rows)
    seconds = time.perf_counter() - start
    if k is not None and not named_k and texts is None:
        notes.append(f"{name} finds the number of groups itself: -k {k} was not used.")
    result = _numbered(rows, found, estimator, made)
    notes += said + _findings(name, result, k if named_k else None)
    return Clustering(result.groups, result.centres, made, notes, choice, result.texts, seconds)


def check_clusterer(name: str, params: Mapping[str, str]) -> None:
    """Before anything is embedded: there is such a clusterer, and it has these parameters.

    Raises:
        SpecError: no such clusterer. UsageError: it has no such parameter.
    """
    typed(params, _params_of(_constructor(name)), name)


def takes_k(name: str) -> bool:
    """Whether the clusterer makes a number of groups that one gives it.

    Raises:
        SpecError: no such clusterer.
    """
    return name == TEXT or any(p in known_params(_constructor(name)) for p in _K)


def parameters(name: str) -> tuple[str, ...]:
    """What `--param` can give to a clusterer.

    Raises:
        SpecError: no such clusterer.
    """
    return tuple(_params_of(_constructor(name)))


def draws(name: str, params: Mapping[str, str], *, k_known: bool) -> bool:
    """Whether the seed can change what `cluster` finds: the clusterer draws, or K has to be chosen for it.

    Raises:
        SpecError: no such clusterer.
    """
    known = known_params(_constructor(name))
    if "random_state" in known and "random_state" not in params:
        return True
    asks = any(p in known and p not in params for p in _K)
    return asks and not k_known and params.get("distance_threshold", "none").lower() == "none"


def _params_of(make: Callable[..., Clusterer]) -> dict[str, Any]:
    """The parameters that a person may give."""
    return {name: default for name, default in known_params(make).items() if name != "texts"}


def _constructor(name: str) -> Callable[..., Clusterer]:
    module, _, attribute = _PATHS.get(name, name).partition(":")
    hint = f"Known: {', '.join(NAMES)}, or any class with fit_predict, such as sklearn.cluster:Birch"
    if not (module and attribute):
        raise SpecError(f"There is no clusterer '{name}'.", hint)
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise SpecError(f"The clusterer '{name}' cannot be loaded: {error}.", hint) from error
    if not isinstance(found, type):
        raise SpecError(f"The clusterer '{name}' is not a class.", hint)
    return found


def _wanted_k(
    name: str, k: int | None, given: Mapping[str, Any], named_k: str | None, texts: Vectors | None, width: int
) -> int | None:
    """K from where it was given: `-k`, the estimator's own parameter, or the texts."""
    if name == TEXT:
        if texts is None:
            raise UsageError(
                "Text centroids need texts, one per cluster.", "Give --prompts FILE, or --clusterer kmeans"
            )
        if texts.shape[1] != width:
            raise UsageError(
                f"The texts' vectors are {texts.shape[1]} wide, the images' {width}: these are different spaces.",
                "Embed both with one model, and do not fuse by concatenation here.",
            )
        if k not in (None, len(texts)):
            raise UsageError(f"-k {k} does not fit the {len(texts)} texts, which are one per cluster.", "Leave -k out.")
        return len(texts)
    own = given.get(named_k) if named_k else None
    if own is None:
        return k
    if type(own) is not int:
        raise UsageError(f"--param {named_k}={own}: a whole number.", "Give the number of clusters as -k")
    if k not in (None, own):
        raise UsageError(f"-k {k} and --param {named_k}={own} contradict each other.", "Give one of them.")
    return own


def _fixed(
    known: Mapping[str, Any], given: Mapping[str, Any], named_k: str | None, k: int | None, seed: int
) -> dict[str, Any]:
    fixed: dict[str, Any] = {named_k: k} if named_k else {}
    if "random_state" in known and "random_state" not in given:
        fixed["random_state"] = seed
    return fixed


@contextmanager
def _plainly(name: str, n: int) -> Iterator[None]:
    """What an estimator refuses, as an error for a person. It may be anybody's, so anything may be raised."""
    try:
        yield
    except IctcError:
        raise
    except MemoryError as error:
        hint = "Type --clusterer minibatch, which keeps next to nothing beside the vectors."
        raise UsageError(f"{name} ran out of memory on {n:,} vectors.", hint) from error
    except Exception as error:
        shown = " ".join(str(error).split()) or type(error).__name__
        hint = f"Change it with --param NAME=VALUE, or leave --param out: {name} then has its automatic parameters."
        raise UsageError(f"{name} refuses: {shown}", hint) from error


def _fitted(name: str, estimator: Clusterer, rows: Vectors) -> tuple[Index, list[str]]:
    """The estimator's groups, and what it warned of."""
    if not callable(getattr(estimator, "fit_predict", None)):
        raise SpecError(f"The clusterer '{name}' has no fit_predict.", f"Known: {', '.join(NAMES)}")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = np.asarray(estimator.fit_predict(rows))
    if found.shape != (len(rows),) or found.dtype.kind not in "iu":
        raise UsageError(
            f"{name} gave {found.dtype} of shape {found.shape}, not one whole number per vector.",
            f"Take another clusterer: {', '.join(NAMES)}",
        )
    said = {" ".join(str(w.message).split()): None for w in caught if issubclass(w.category, UserWarning)}
    said = {message: None for message in said if not message.startswith(_SQUARE)}
    return found.astype(np.intp), [PARTED if _UNLINKED in message else f"{name} says: {message}" for message in said]


def _numbered(rows: Vectors, found: Index, estimator: Clusterer, params: dict[str, Any]) -> Clustering:
    """Groups by size, the first image deciding between equals; negative numbers are outliers.

    Centres are the estimator's own where it has one for each group, else the means of the groups.
    """
    held = isinstance(estimator, TextCentroidKMeans)
    own = np.asarray(getattr(estimator, "cluster_centers_", ()))
    inside = found >= 0
    present, first, size = np.unique(found[inside], return_index=True, return_counts=True)
    if held:  # every text has its group, empty ones last
        order = np.argsort(-np.bincount(found, minlength=len(own)), kind="stable")
    else:
        order = present[np.lexsort((first, -size))]
    place = np.full(int(order.max(initial=-1)) + 1, -1, dtype=np.intp)
    place[order] = np.arange(len(order))
    groups = np.full(len(found), -1, dtype=np.intp)
    groups[inside] = place[found[inside]]
    if own.shape[1:] == rows.shape[1:] and len(own) > order.max(initial=-1):
        centres = unit(own[order].astype(np.float64))
    else:
        centres = unit(means(rows, groups, len(order)))
    return Clustering(groups, centres, params, texts=order if held else None)


def _findings(name: str, result: Clustering, k: int | None) -> list[str]:
    """What looks odd about the groups, for a person."""
    n, made = len(result.groups), len(result.centres)
    out = int(np.count_nonzero(result.groups < 0))
    notes = []
    if k is not None and made < k:
        notes.append(f"{name} was asked for {k} groups and made {made}. All are made by: --clusterer kmeans")
    if out:
        more = " That is most of them: larger groups come from --clusterer kmeans." if out > _MANY_OUTLIERS * n else ""
        notes.append(f"{out:,} of {n:,} images are outliers: in no group.{more}")
    elif made == 1 and k is None:
        notes.append(f"{name} sees one group in all {n:,} images. For a number of groups: --clusterer kmeans -k 10")
    empty = made - len(np.unique(result.groups[result.groups >= 0]))
    if empty:
        notes.append(f"{empty} of the {made} texts have no image nearest to them.")
    return notes


def _each_alone(rows: Vectors, params: dict[str, Any], choice: KChoice | None) -> Clustering:
    """As many groups as images, which all differ (`check_k`)."""
    note = "There are as many groups as images: each is one."
    return Clustering(np.arange(len(rows)), unit(rows.astype(np.float64)), params, [note], choice)


def _all_alike(rows: Vectors) -> Clustering:
    """One group: nothing tells the vectors apart, and most estimators would fail on them."""
    note = "There is one image: one group." if len(rows) == 1 else f"All {len(rows):,} vectors are the same: one group."
    return Clustering(np.zeros(len(rows), dtype=np.intp), unit(rows[:1].astype(np.float64)), {}, [note])
