"""The options of the embedding lane, for all commands that embed, fuse and cluster."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ictc.errors import UsageError

if TYPE_CHECKING:
    from ictc.means import Lane

SWEEP = "sweep"
_LANE = "Embedding, prompts and clusters"


def _option(name: str, metavar: str, help_text: str, *flags: str) -> Any:
    envvar = "ICTC_" + name.replace("-", "_").upper()
    return typer.Option(
        *(flags or (f"--{name}",)), envvar=envvar, metavar=metavar, help=help_text, rich_help_panel=_LANE
    )


Embedder = Annotated[
    str,
    _option(
        "embedder", "SPEC", "Whose vectors: offline, clip:DIR, sbert:DIR, dinov2, classical:all, ...; see: ictc doctor"
    ),
]
Prompts = Annotated[
    Path | None,
    _option(
        "prompts", "FILE",
        "A TOML file with the classes and their prompts (docs/embedding.md). Not the folder of templates that "
        "`ictc run --prompts` takes.",
    ),
]  # fmt: skip
Strategy = Annotated[
    str | None,
    _option(
        "strategy", "NAME",
        r"image-only, generic, task, grouped, swapped, hierarchical or criterion. \[default: task with --prompts, else "
        "image-only]",
    ),
]  # fmt: skip
Pairing = Annotated[
    str,
    _option(
        "pairing", "best|soft|label",
        "An image's nearest prompt, a weighted mean of all, or (supervised: needs --truth) that of its true class.",
    ),
]  # fmt: skip
Fusion = Annotated[str | None, _option("fusion", "mean|sum|concat", r"Of image and prompt. \[default: mean]")]
Weight = Annotated[
    str | None,
    _option(
        "weight", "W|sweep", "Of the prompt, from 0 to 1, for sum and concat; sweep shows all of 0, 0.1 ... 1 beside."
    ),
]
Space = Annotated[
    str,
    _option(
        "space", "evened|plain|standardised", "Directions nearer to equal spread, vectors as published, or z-scores."
    ),
]
Clusterer = Annotated[
    str,
    _option(
        "clusterer", "NAME",
        "kmeans, spherical, minibatch, spectral, agglomerative, dbscan, hdbscan, gmm, optics, text, or "
        "package.module:Class.",
    ),
]  # fmt: skip
Param = Annotated[list[str] | None, _option("param", "NAME=VALUE", "Of the clusterer; may be repeated.")]
Seed = Annotated[int, _option("seed", "N", "Of everything that is drawn.")]
Recompute = Annotated[bool, _option("recompute", "", "Embed again what is stored.", "--recompute")]


def lane_of(
    embedder: str,
    prompts: Path | None,
    strategy: str | None,
    pairing: str,
    fusion: str | None,
    weight: str | None,
    space: str,
    clusterer: str,
    param: list[str] | None,
    seed: int,
    recompute: bool,
    truth: str | None,
) -> Lane:
    """What the options say, checked before anything is embedded.

    Raises:
        UsageError: an option that is none, or options that do not go together. InputError: the prompts file.
    """
    from ictc.lane.checking import check_lane
    from ictc.lane.params import read_params
    from ictc.lane.promptfile import read_prompts
    from ictc.means import Lane

    found = read_prompts(prompts) if prompts else None
    strategy = strategy or ("task" if prompts else "image-only")
    share = _weight(weight)
    fusion = fusion or ("mean" if weight is None else "sum")
    lane = Lane(embedder, prompts, found, strategy, pairing, fusion, share, space, clusterer)
    params = tuple(read_params(param or ()).items())
    lane = replace(lane, params=params, seed=seed, recompute=recompute, truth=(truth or "") * (pairing == "label"))
    check_lane(lane)
    return lane


def _weight(given: str | None) -> float:
    if given is None or given == SWEEP:
        return 0.5
    try:
        weight = float(given)
    except ValueError:
        weight = -1.0
    if not 0 <= weight <= 1:
        raise UsageError(f"--weight {given}: not between 0 and 1.", f"For example: --weight 0.3, or --weight {SWEEP}")
    return weight
