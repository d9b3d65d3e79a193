"""By what means a run is made: who does the steps, in whose words, within which limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ictc.modeloptions import ModelOptions

OFFLINE = "offline"
FALLBACKS = ("offline", "embedding")


@dataclass(frozen=True, slots=True)
class Wording:
    """What models are told and asked beside the criterion. All of it is part of the results' identity.

    `prompts`: a folder whose files stand in for built-in prompts of the same name. `names`: a file of cluster names,
    to which a model may add with `open_names`. `language`: of labels and names. `pack`: descriptions per request.
    `budget`: of a cascade (`5%`, `500`), or "" to ask about everything. `min_confidence`: below it an image is unsure.
    `outliers`: what is done with images unlike all others (`ictc.outlying.CHOICES`).
    `levels`: 2 merges the K names once more, into `groups` broader ones (0: about the root of K).
    """

    prompts: Path | None = None
    names: Path | None = None
    open_names: bool = False
    language: str = ""
    pack: int = 1
    budget: str = ""
    min_confidence: float = 0.0
    outliers: str = "keep"
    levels: int = 1
    groups: int = 0

    def to_json(self) -> dict[str, Any]:
        """How run.json keeps it, so that later steps ask in the same words."""
        paths = {key: str(p.absolute()) for key in ("prompts", "names") if (p := getattr(self, key))}
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in paths}
        return {key: value for key, value in own.items() if value is not None} | paths


def wording_from_json(stored: Mapping[str, Any]) -> Wording:
    """The reverse of `Wording.to_json`; what is missing is the default."""
    paths = {key: Path(stored[key]) for key in ("prompts", "names") if stored.get(key)}
    return Wording(**{**stored, **paths})


@dataclass(frozen=True, slots=True)
class Means:
    """Everything but the images, the criterion and K.

    `together`: criteria that step 1 answers in one pass, the run's own among them. `fallback`: who takes over where a
    model is gone, or None: nobody does. `prices`: a person's own, as `spending.prices.parse_prices` reads them.
    """

    describer: str = OFFLINE
    reasoner: str = OFFLINE
    wording: Wording = field(default_factory=Wording)
    together: tuple[str, ...] = ()
    fallback: str | None = None
    prices: tuple[str, ...] = ()
    options: ModelOptions = field(default_factory=ModelOptions)


def changed(means: Means, given: Mapping[str, Any]) -> Means:
    """`means` with what a person gave: names of fields of `Means`, `Wording` and `ModelOptions`; None leaves as is.
    A number of groups alone asks for two levels.

    Raises:
        TypeError: a name that is none of these.
    """
    said = {key: value for key, value in given.items() if value is not None}
    if said.get("groups"):
        said.setdefault("levels", 2)
    wording = replace(means.wording, **_taken(said, Wording))
    options = replace(means.options, **_taken(said, ModelOptions))
    return replace(means, wording=wording, options=options, **said)


def _taken(said: dict[str, Any], part: type) -> dict[str, Any]:
    """Takes out of `said` what belongs to a part."""
    return {f.name: said.pop(f.name) for f in fields(part) if f.name in said}
