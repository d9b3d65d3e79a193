"""The options of `ictc compare`: several values along each axis, `A,B` or repeated, into a `Grid`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ictc.cli import options as o
from ictc.cli.lane_options import SWEEP
from ictc.errors import UsageError

if TYPE_CHECKING:
    from ictc.compare.grid import Grid

OF_TRUTH = "truth"
USUAL = 5
_AXES = "What is compared (several values: A,B or repeated)"


def _parse_k(text: str | int) -> str:
    return OF_TRUTH if str(text).strip().lower() == OF_TRUTH else o.parse_k(text)


def _option(name: str, metavar: str, help_text: str, *flags: str, **more: Any) -> Any:
    envvar = "ICTC_" + name.replace("-", "_").upper()
    return typer.Option(*(flags or (f"--{name}",)), envvar=envvar, metavar=metavar, help=help_text, **more)


def _axis(name: str, metavar: str, help_text: str, *flags: str) -> Any:
    return _option(name, metavar, help_text, *flags, rich_help_panel=_AXES)


Strategies = Annotated[
    list[str] | None,
    _axis("strategy", "NAMES", r"Of prompts. \[default: image-only; with --prompts all that the file has]"),
]
Clusterers = Annotated[
    list[str] | None,
    _axis(
        "clusterer", "NAMES",
        r"As of `ictc cluster`. \[default: kmeans, spherical, spectral, agglomerative, gmm, hdbscan, with --prompts "
        "also text]",
    ),
]  # fmt: skip
Embedders = Annotated[
    list[str] | None,
    _axis(
        "embedder", "SPEC", r"Whose vectors; repeated, since commas belong to the spec. \[default: offline]",
    ),
]  # fmt: skip
Features = Annotated[
    list[str] | None,
    _axis(
        "features", "SPEC|all",
        "As --embedder, in the feature lab: kmeans, dbscan (eps fixed, and by the knee), agglomerative; one seed; "
        "ARI first; -k truth. all: those that need no download.",
    ),
]  # fmt: skip
Pairings = Annotated[
    list[str] | None,
    _axis("pairing", "NAMES", r"best, soft, label (supervised: needs --truth). \[default: best]"),
]
Fusions = Annotated[list[str] | None, _axis("fusion", "NAMES", r"mean, sum, concat. \[default: mean]")]
Weights = Annotated[
    list[str] | None,
    _axis("weight", "W|sweep", r"Of the prompt, for sum and concat; sweep: 0, 0.1 ... 1. \[default: 0.5]"),
]
Spaces = Annotated[list[str] | None, _axis("space", "NAMES", r"evened, plain, standardised. \[default: evened]")]
Seeds = Annotated[
    int | None,
    _option(
        "seeds", "N", r"So many seeds of the clusterers, from 0 on. \[default: 5; with --seed or --features that one]",
        min=1, rich_help_panel=_AXES,
    ),
]  # fmt: skip
SeedList = Annotated[list[str] | None, _axis("seed-list", "SEEDS", "These seeds instead.")]
Seed = Annotated[
    int | None,
    _option("seed", "N", r"Of all that is drawn: sample, split, map; and of the clusterers. \[default: 782]"),
]
PerClass = Annotated[
    int | None,
    _option("per-class", "N", "So many images of each class, drawn by the seed. Needs --truth.", min=1),
]
TestShare = Annotated[
    float | None,
    _option("test-share", "S", "Score this share of each class alone, drawn by the seed. Needs --truth."),
]
Param = Annotated[
    list[str] | None,
    _option(
        "param", "CLUSTERER.NAME=VALUE", "NAME=VALUE: of all clusterers that have it; A,B: a row each. May be repeated."
    ),
]
K = Annotated[
    str | None,
    _option(
        "k", "K|auto|truth",
        r"How many clusters; truth: as many as there are classes. \[default: auto; with --features and --truth: truth]",
        "-k", "--k", parser=_parse_k,
    ),
]  # fmt: skip
Truth = Annotated[
    str | None,
    _option("truth", "filename|folder|FILE[:COLUMN]", "Where the true classes stand; without: silhouettes alone."),
]
Criterion = Annotated[
    str,
    _option(
        "criterion", "TEXT", "What prompts of the strategy criterion, and describers of described:, go by.",
        "--criterion", "-c",
    ),
]  # fmt: skip
Sort = Annotated[
    str,
    _option(
        "sort", "NAME",
        r"acc, ari, nmi, prompt_acc, silhouette, seconds or given. \[default: acc, with --features ari; without "
        "--truth silhouette]",
    ),
]  # fmt: skip
Output = Annotated[
    Path,
    _option("output", "OUT", "A run folder, made when missing: vectors, table, figure.", "--output", "-o"),
]
Recompute = Annotated[bool, _option("recompute", "", "Embed and cluster again what is stored.", "--recompute")]


def grid_of(
    prompts: Path | None,
    strategy: list[str] | None,
    clusterer: list[str] | None,
    embedder: list[str] | None,
    features: list[str] | None,
    pairing: list[str] | None,
    fusion: list[str] | None,
    weight: list[str] | None,
    space: list[str] | None,
    param: list[str] | None,
    truth: str | None,
    recompute: bool,
) -> Grid:
    """What the options say.

    Raises:
        UsageError: a weight or a parameter that is none. InputError: the prompts file. SpecError: a feature that is
            none.
    """
    from ictc.compare import lab
    from ictc.compare.grid import Grid, params_of, usual_clusterers, usual_strategies
    from ictc.lane.promptfile import read_prompts
    from ictc.means import OFFLINE

    known = read_prompts(prompts) if prompts else None
    weights = _weights(_values(weight))
    fusions = _values(fusion) or (("sum",) if weights else ("mean",))
    if weights and fusions == ("mean",):
        raise UsageError("--fusion mean has no weight.", "Type: --fusion sum, or leave --weight out.")
    named = _values(clusterer)
    clusterers = named or (lab.CLUSTERERS if features else usual_clusterers(known))
    params: Mapping[str, Mapping[str, str]] = params_of(param or (), clusterers)
    if features and not named:
        params = lab.with_both_eps(params)
    return Grid(
        embedders=tuple(dict.fromkeys((*lab.features_of(features or ()), *(embedder or ())))) or (OFFLINE,),
        strategies=_values(strategy) or usual_strategies(known),
        pairings=_values(pairing) or ("best",),
        fusions=fusions,
        weights=weights or (0.5,),
        spaces=_values(space) or ("evened",),
        clusterers=clusterers,
        params=params,
        prompts=prompts,
        prompt_set=known,
        truth=truth or "",
        recompute=recompute,
        usual=not named,
    )


def seeds_of(count: int | None, listed: list[str] | None, single: int | None) -> tuple[int, ...]:
    """Those of the clusterers. `single`: the one where nobody asks for several; None: the first USUAL ones.

    Raises:
        UsageError: one is no number.
    """
    try:
        several = tuple(int(text) for text in _values(listed))
        if several or count is not None or single is None:
            return several or tuple(range(count or USUAL))
        return (single,)
    except ValueError as e:
        said = f"--seed-list {','.join(_values(listed))}: not whole numbers."
        raise UsageError(said, "For example: --seeds 5, or --seed-list 0,1,2") from e


def _values(given: Sequence[object] | None) -> tuple[str, ...]:
    """Each once; commas part them, too."""
    parts = (part.strip() for text in given or () for part in str(text).split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


def _weights(given: Sequence[str]) -> tuple[float, ...]:
    from ictc.lane.fusion import WEIGHTS

    try:
        return tuple(dict.fromkeys(w for text in given for w in (WEIGHTS if text == SWEEP else (float(text),))))
    except ValueError as e:
        said = f"--weight {','.join(given)}: not numbers between 0 and 1."
        raise UsageError(said, f"For example: --weight 0.3,0.5 or --weight {SWEEP}") from e
