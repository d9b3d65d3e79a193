"""Which combinations are compared, which of them the seed changes, whose parameters are whose."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ictc.compare.grid import Grid, check_grid, drawn, params_of, usual_clusterers, usual_strategies
from ictc.errors import SpecError, UsageError
from ictc.means import Lane
from tests.unit.lane.made_up import PROMPTS


def test_every_combination_is_there_once_and_images_alone_are_neither_paired_nor_fused() -> None:
    grid = Grid(
        embedders=("offline", "clip:a"),
        strategies=("image-only", "task"),
        pairings=("best", "soft"),
        fusions=("mean", "sum"),
        weights=(0.2, 0.4),
        clusterers=("kmeans", "dbscan"),
        params={"kmeans": {"n_init": "3"}},
        prompt_set=PROMPTS,
    )
    lanes = grid.lanes()
    told = [(x.embedder, x.strategy, x.pairing, x.fusion, x.weight, x.clusterer) for x in lanes]
    assert len(told) == len(set(told)) == 2 * (1 + 2 * (1 + 2)) * 2
    assert {(p, f, w) for _, s, p, f, w, _ in told if s == "image-only"} == {("best", "mean", 0.5)}
    assert {w for *_, f, w, _ in told if f == "mean"} == {0.5}
    assert {x.params for x in lanes if x.clusterer == "kmeans"} == {(("n_init", "3"),)}
    assert all(x.prompt_set is PROMPTS and x.truth == "" for x in lanes)
    supervised = replace(grid, pairings=("best", "label"), truth="folder").lanes()
    assert {(x.pairing, x.truth) for x in supervised} == {("best", ""), ("label", "folder")}


@pytest.mark.parametrize(
    ("lane", "k", "changes"),
    [
        (Lane(clusterer="kmeans"), 3, True),
        (Lane(clusterer="kmeans", params=(("random_state", "1"),)), 3, False),
        (Lane(clusterer="agglomerative"), 3, False),
        (Lane(clusterer="agglomerative"), None, True),  # K is chosen among draws
        (Lane(clusterer="agglomerative", params=(("n_clusters", "4"),)), None, False),
        (Lane(clusterer="agglomerative", params=(("distance_threshold", "2"),)), None, False),
        (Lane(clusterer="agglomerative", prompt_set=PROMPTS), None, False),
        (Lane(clusterer="agglomerative", prompt_set=PROMPTS, strategy="task", pairing="label"), None, True),
        (Lane(clusterer="text", prompt_set=PROMPTS), None, False),
        (Lane(clusterer="hdbscan"), None, False),
        (Lane(clusterer="dbscan"), None, False),
        (Lane(clusterer="optics"), 5, False),
        (Lane(clusterer="spectral"), 5, True),
    ],
)
def test_what_draws_nothing_runs_once(lane: Lane, k: int | None, changes: bool) -> None:
    assert drawn(lane, k) is changes


def test_parameters_are_of_one_clusterer_or_of_all_that_have_them() -> None:
    names = ("kmeans", "dbscan", "hdbscan", "sklearn.cluster:Birch")
    given = ["dbscan.min_samples=4", "min_samples=7", "sklearn.cluster:Birch.threshold=0.25", "n_init=2"]
    assert params_of(given, names) == {
        "kmeans": {"n_init": "2"},
        "dbscan": {"min_samples": "4"},
        "hdbscan": {"min_samples": "7"},
        "sklearn.cluster:Birch": {"threshold": "0.25"},
    }
    for wrong in ("optics.min_samples=3", "bogus=1"):
        with pytest.raises(UsageError, match="none of the clusterers"):
            params_of([wrong], names)


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"strategies": ("tusk",)}, UsageError, "--strategy tusk"),
        ({"strategies": ("task",), "prompt_set": None}, UsageError, "needs prompts"),
        ({"pairings": ("nearest",)}, UsageError, "--pairing nearest"),
        ({"fusions": ("product",)}, UsageError, "--fusion product"),
        ({"spaces": ("flat",)}, UsageError, "--space flat"),
        ({"weights": (2.0,)}, UsageError, "weight is 2"),
        ({"clusterers": ("k-means",)}, SpecError, "no clusterer 'k-means'"),
        ({"params": {"kmeans": {"eps": "1"}}}, UsageError, "no parameter 'eps'"),
    ],
)
def test_a_value_that_is_none_is_told_before_anything_starts(change: dict[str, object], kind: type, said: str) -> None:
    with pytest.raises(kind, match=said):
        check_grid(replace(Grid(prompt_set=PROMPTS), **change))  # type: ignore[arg-type]


def test_what_is_compared_where_nobody_says() -> None:
    assert usual_strategies(None) == ("image-only",)
    assert "text" not in usual_clusterers(None)
    assert usual_strategies(PROMPTS) == ("image-only", "generic", "task", "grouped", "swapped", "hierarchical")
    assert "text" in usual_clusterers(PROMPTS)
    check_grid(Grid(strategies=usual_strategies(PROMPTS), clusterers=usual_clusterers(PROMPTS), prompt_set=PROMPTS))
