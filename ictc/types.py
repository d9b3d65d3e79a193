"""The values that pass between the steps. All frozen; none knows a file format or a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

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


GONE = frozenset({"unreachable", "unauthorized", "quota", "model-not-found"})
"""Codes of failures after which a model answers nothing more: asking it the rest would be in vain."""


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a language or vision model.

    `system` holds what is the same for all items of a step and comes first, so that servers can reuse the prefix;
    `user` holds the item's own data, and `image` its picture. `schema` is a JSON schema for the answer; a backend that
    cannot enforce one leaves it out, and whoever asks parses strictly either way. `stage` is for accounts only.
    """

    stage: Stage
    user: str
    system: str = ""
    image: Item | None = None
    schema: Mapping[str, Any] | None = None
    max_tokens: int = 512
    temperature: float = 0.0

    @property
    def content(self) -> dict[str, Any]:
        """What decides the answer, as canonical JSON values: a picture is its bytes' SHA-256, never its path."""
        return {
            "user": self.user,
            "system": self.system,
            "image": self.image.sha256 if self.image else None,
            "schema": self.schema,
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
        }


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's answer as it came, thinking included. `finish` is `length` where `max_tokens` cut it off.

    Token counts are the server's, or the tokenizer's for a model in this process; 0 where neither says.
    """

    text: str
    finish: Literal["stop", "length"] = "stop"
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Description:
    """Step 1: what one image shows, in words, as far as the criterion asks."""

    image: str
    text: str
    model: str
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """Step 2a: the phrase that answers the criterion for one image.

    `by` says who found it for this image (a model spec; `offline`, also where it is that of a similar image which a
    model was asked about); "" where that was not recorded.
    """

    image: str
    label: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Step 2b: one named cluster. `labels` maps each raw label that belongs here to its number of images.

    `group`: the name of the broader group that it belongs to, "" where it belongs to none.
    """

    name: str
    about: str = ""
    labels: Mapping[str, int] = field(default_factory=dict)
    group: str = ""


@dataclass(frozen=True, slots=True)
class KChoice:
    """Why K was chosen. `curve` holds (k, score) for every K tried; the score's meaning is in `method`."""

    k: int
    method: str
    reason: str
    curve: Sequence[tuple[int, float]] = ()


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """Step 2b: the K names. `choice` is set when K was chosen by the program; `remark` says what a person should know
    of the names: why there are no broader groups though they were asked for."""

    criterion: str
    clusters: Sequence[Cluster]
    choice: KChoice | None = None
    remark: str = ""

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
