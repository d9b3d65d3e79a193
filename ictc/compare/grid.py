"""Which ways of the embedding lane are compared: all combinations of what was asked for, each as a `Lane`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

from ictc.errors import UsageError
from ictc.lane.clusterers import TEXT, check_clusterer, draws, parameters
from ictc.lane.evening import SPACES
from ictc.lane.fusion import FUSIONS, check_weight
from ictc.lane.pairing import PAIRINGS
from ictc.lane.params import read_params
from ictc.lane.strategies import IMAGE_ONLY, STRATEGIES, SWAPPED, check_strategy
from ictc.means import OFFLINE, Lane
from ictc.promptset import PromptSet

AXES = ("embedder", "strategy", "pairing", "fusion", "weight", "space", "clusterer")
CLUSTERERS = ("kmeans", "spherical", "spectral", "agglomerative", "gmm", "hdbscan")
"""Where nobody says, with `text` where there are prompts. Of the others mini-batch k-means is k-means for many images,
and DBSCAN and OPTICS see one cloud where HDBSCAN may still see groups."""


@dataclass(frozen=True)
class Grid:
    """The values along each axis. `params`: by clusterer; several values, `A,B`, are a row each. `truth`: of the
    pairing `label`. `usual`: nobody named the clusterers, so what does not go with one of them is left out."""

    embedders: tuple[str, ...] = (OFFLINE,)
    strategies: tuple[str, ...] = (IMAGE_ONLY,)
    pairings: tuple[str, ...] = ("best",)
    fusions: tuple[str, ...] = ("mean",)
    weights: tuple[float, ...] = (0.5,)
    spaces: tuple[str, ...] = ("evened",)
    clusterers: tuple[str, ...] = CLUSTERERS
    params: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    prompts: Path | None = None
    prompt_set: PromptSet | None = None
    truth: str = ""
    recompute: bool = False
    usual: bool = False

    def lanes(self) -> list[Lane]:
        """Every combination once, in the order of the axes, with the seed 0: images alone are not paired or fused, and
        a mean has no weight."""
        found: dict[Lane, Lane] = {}
        axes = (self.embedders, self.strategies, self.pairings, self.fusions, self.weights, self.spaces)
        for embedder, strategy, pairing, fusion, weight, space in product(*axes):
            plain = Lane(embedder, self.prompts, None, strategy, pairing, fusion, weight, space)
            if strategy == IMAGE_ONLY:
                plain = replace(plain, pairing="best", fusion="mean")
            if plain.fusion == "mean":
                plain = replace(plain, weight=0.5)
            plain = replace(plain, truth=self.truth * (plain.pairing == "label"), recompute=self.recompute)
            for clusterer in self.clusterers:
                for params in _each(self.params.get(clusterer, {})):
                    lane = replace(plain, clusterer=clusterer, params=params)
                    found.setdefault(lane, replace(lane, prompt_set=self.prompt_set))
        return list(found.values())


def _each(params: Mapping[str, str]) -> list[tuple[tuple[str, str], ...]]:
    """All combinations of the values of each parameter."""
    values = [dict.fromkeys(v.strip() for v in value.split(",") if v.strip()) or [value] for value in params.values()]
    return [tuple(zip(params, chosen, strict=True)) for chosen in product(*values)]


def check_grid(grid: Grid) -> None:
    """Raises UsageError for a value that is none, or a strategy whose prompts are missing, SpecError for a clusterer
    that is none. What only does not go together has a row of its own that says so."""
    known = (
        ("strategy", grid.strategies, STRATEGIES),
        ("pairing", grid.pairings, PAIRINGS),
        ("fusion", grid.fusions, FUSIONS),
        ("space", grid.spaces, SPACES),
    )
    for name, given, there in known:
        for value in given:
            if value not in there:
                raise UsageError(f"--{name} {value}: there is no such one.", f"Those there are: {', '.join(there)}.")
    for strategy in grid.strategies:
        check_strategy(strategy, grid.prompt_set)
    for weight in grid.weights:
        check_weight(weight)
    for clusterer in grid.clusterers:
        check_clusterer(clusterer, grid.params.get(clusterer, {}))


def usual_strategies(prompts: PromptSet | None) -> tuple[str, ...]:
    """All that the prompts file has what it takes for, but `criterion`; without one, images alone."""
    if prompts is None:
        return (IMAGE_ONLY,)
    there = {IMAGE_ONLY, *prompts.prompts, *([SWAPPED] if len(prompts.classes) > 1 else [])}
    return tuple(s for s in STRATEGIES if s in there)


def usual_clusterers(prompts: PromptSet | None) -> tuple[str, ...]:
    return CLUSTERERS if prompts is None else (*CLUSTERERS, TEXT)


def params_of(pairs: Sequence[str], clusterers: Sequence[str]) -> dict[str, dict[str, str]]:
    """By clusterer: `dbscan.eps=0.3` is that one's own, `n_init=3` is of all that have it.

    Raises:
        UsageError: not of that form, or of no clusterer that is compared. SpecError: a clusterer that is none.
    """
    found: dict[str, dict[str, str]] = {clusterer: {} for clusterer in clusterers}
    for name, value in sorted(read_params(pairs).items(), key=lambda pair: "." in pair[0]):
        of, _, own = name.rpartition(".")
        takers = [c for c in clusterers if c == of or (not of and own in parameters(c))]
        if not takers:
            raise UsageError(
                f"--param {name}={value} is of none of the clusterers that are compared: {', '.join(clusterers)}.",
                f"Type it as CLUSTERER.NAME=VALUE, such as: --param {clusterers[0]}.NAME=VALUE",
            )
        for clusterer in takers:
            found[clusterer][own] = value
    return found


def drawn(lane: Lane, k: int | None) -> bool:
    """Whether the seed can change a row: it decides what the clusterer draws, K where it is chosen, and, with the
    pairing `label`, which images are the test."""
    known = k is not None or lane.prompt_set is not None
    return lane.pairing == "label" or draws(lane.clusterer, dict(lane.params), k_known=known)
