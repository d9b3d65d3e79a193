"""By what means a run is made: who does the steps, in whose words, within which limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ictc.modeloptions import ModelOptions
from ictc.place import Place
from ictc.promptset import PromptSet, prompt_set_from_json

OFFLINE = "offline"
FALLBACKS = ("offline", "embedding")
"""Two names of one lane: what was described, by its sentence embeddings."""
SHOWN = "what it shows"
"""The criterion of the embedding lane, where none is given."""
BUDGET = "5%"  # of a cascade, where no other is given


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
class Lane:
    """How the embedding lane embeds, fuses and clusters (docs/embedding.md). All of it but `recompute`, `kept`,
    `criterion` (the run's) and the path of the prompts file is part of the results' identity.

    `embedder`: a spec of `ictc.embedders`. `prompts`: the file that `prompt_set` was read from. `strategy`, `pairing`
    and `fusion`: see `ictc.lane`; `weight`: of the prompt; `space`: see `ictc.lane.evening`. `clusterer` with
    `params`, as text. `truth`: of the pairing `label` alone, which is supervised; `shown`: the true class of each image
    that it is shown, read from `truth` when the images are known. `recompute`: embed again what is stored.
    `kept`: the fingerprint of the vectors that a finished run has, "" for one that is to be made. `criterion`: the
    run's, for embedders that ask a model about images.
    """

    embedder: str = OFFLINE
    prompts: Path | None = None
    prompt_set: PromptSet | None = None
    strategy: str = "image-only"
    pairing: str = "best"
    fusion: str = "mean"
    weight: float = 0.5
    space: str = "evened"
    clusterer: str = "kmeans"
    params: tuple[tuple[str, str], ...] = ()
    seed: int = 0
    truth: str = ""
    shown: Mapping[str, str] = field(default_factory=dict, hash=False)
    recompute: bool = False
    kept: str = ""
    criterion: str = ""

    @property
    def supervised(self) -> bool:
        """Whether true classes went into the vectors."""
        return self.pairing == "label"

    def to_json(self) -> dict[str, Any]:
        """How run.json keeps it, so that later commands reopen the run without the files of prompts and truth."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("recompute", "kept", "criterion")}
        path, found = self.prompts, self.prompt_set
        said = {
            "params": dict(self.params),
            "shown": dict(self.shown),
            "prompts": str(path.absolute()) if path else None,
            "prompt_set": found.to_json() if found else None,
        }
        return own | said


def lane_from_json(stored: Mapping[str, Any] | None) -> Lane | None:
    """The reverse of `Lane.to_json`; None for a run of the criterion lane."""
    if not stored:
        return None
    path, found = stored["prompts"], stored["prompt_set"]
    read = {
        "params": tuple(stored["params"].items()),
        "prompts": Path(path) if path else None,
        "prompt_set": prompt_set_from_json(found) if found else None,
    }
    return Lane(**{**stored, **read})


@dataclass(frozen=True, slots=True)
class Sampling:
    """How only a part of the images is described (docs/sampling.md). All of it but `kept` is part of the results'
    identity; the embedder by its fingerprint.

    `size`: `5%`, `500` or `auto`. `embedder`: a spec of `ictc.embedders`. `seed`: of what is drawn. `kept`: the
    fingerprint of the vectors that a finished run has, "" for one that is to be made.
    """

    size: str
    embedder: str = OFFLINE
    seed: int = 0
    kept: str = ""


@dataclass(frozen=True, slots=True)
class Means:
    """Everything but the images, the criterion and K.

    `together`: criteria that step 1 answers in one pass, the run's own among them. `lane`: where the embedding lane
    does the steps; `reasoner` then only names its clusters. `fallback`: who takes over where a model is gone, or None:
    nobody does. `prices`: a person's own, as `spending.prices.parse_prices` reads them. `sample`: where not all images
    are described, how those that are are chosen. `place`: where things are computed.
    """

    describer: str = OFFLINE
    reasoner: str = OFFLINE
    wording: Wording = field(default_factory=Wording)
    together: tuple[str, ...] = ()
    lane: Lane | None = None
    fallback: str | None = None
    prices: tuple[str, ...] = ()
    options: ModelOptions = field(default_factory=ModelOptions)
    sample: Sampling | None = None
    place: Place = field(default_factory=Place)


def changed(means: Means, given: Mapping[str, Any]) -> Means:
    """`means` with what a person gave: names of fields of `Means` and of its parts; None leaves as is. A number of
    groups alone asks for two levels. `cascade` (True or False) asks for one with the budget that is given, else that
    there is, else BUDGET, or for none.

    Raises:
        TypeError: a name that is none of these.
    """
    said = {key: value for key, value in given.items() if value is not None}
    if said.get("groups"):
        said.setdefault("levels", 2)
    if (cascade := said.pop("cascade", None)) is not None:
        said["budget"] = said.get("budget") or means.wording.budget or BUDGET if cascade else ""
    wording = replace(means.wording, **_taken(said, Wording))
    options = replace(means.options, **_taken(said, ModelOptions))
    place = replace(means.place, **_taken(said, Place))
    return replace(means, wording=wording, options=options, place=place, **said)


def _taken(said: dict[str, Any], part: type) -> dict[str, Any]:
    """Takes out of `said` what belongs to a part."""
    return {f.name: said.pop(f.name) for f in fields(part) if f.name in said}
