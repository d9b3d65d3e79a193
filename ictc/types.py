"""The values that pass between the steps. All frozen; none knows a file format or a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Stage = Literal["image", "describe", "label", "merge", "assign"]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to cluster: an image file, or (path None) a description recorded earlier.

    `name` is unique within a run, relative to the input, with `/` between folders; it is what result files show.
    `sha256` is of the file's bytes, "" where there is no file or it could not be read.
    """

    name: str
    path: Path | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """An item that could not be done, in the place its result would have had.

    `code` is a short stable word (`zero-bytes`, `truncated`, `too-large`, `unreadable`, ...).
    """

    image: str
    stage: Stage
    code: str
    message: str
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class Description:
    """Step 1: what one image shows, in words, as far as the criterion asks."""

    image: str
    text: str
    model: str
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """Step 2a: the phrase that answers the criterion for one image."""

    image: str
    label: str


@dataclass(frozen=True, slots=True)
class Cluster:
    """Step 2b: one named group. `labels` maps each raw label that belongs here to its number of images."""

    name: str
    about: str = ""
    labels: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KChoice:
    """Why K was chosen. `curve` holds (k, score) for every K tried; the score's meaning is in `method`."""

    k: int
    method: str
    reason: str
    curve: Sequence[tuple[int, float]] = ()


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """Step 2b: the K names. `choice` is set when K was chosen by the program."""

    criterion: str
    clusters: Sequence[Cluster]
    choice: KChoice | None = None

    @property
    def k(self) -> int:
        return len(self.clusters)

    @property
    def names(self) -> list[str]:
        return [c.name for c in self.clusters]


@dataclass(frozen=True, slots=True)
class Assignment:
    """Step 3: the cluster of one image; `cluster` None means unassigned.

    `confidence` is in [0, 1]; `by` says who decided (`offline`, a model spec); `evidence` is the label or reason.
    """

    image: str
    cluster: str | None
    confidence: float | None = None
    by: str = ""
    evidence: str = ""
