"""One cell of a comparison: one way of the lane with one seed, clustered and measured as `ictc cluster` does it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, TypeVar

import numpy as np

from ictc.backends import Backends
from ictc.embed.images import CachedImages
from ictc.errors import InputError
from ictc.fingerprint import code_digest, prompt_digest
from ictc.images.sources import Source
from ictc.interfaces import Tick, Vectors
from ictc.lane.place import Placed, Placer
from ictc.lane.reasoner import LaneReasoner
from ictc.lane.strategies import CRITERION, CRITERION_PROMPT, GROUPED, TASK, prompts_of
from ictc.laneruns import measured, prompt_accuracy, scored_on
from ictc.means import Lane
from ictc.pipeline import split
from ictc.reasoners.assign import NAME_PROMPT
from ictc.runfolder import digest_inputs
from ictc.store import Store, content_key
from ictc.types import Description, Failure

T = TypeVar("T")

DIGITS = 6
_CODE = ("ictc.lane", "ictc.compare.cells", "ictc.laneruns", "ictc.scoring", "ictc.reasoners", "ictc.embed")
_PACKAGES = ("numpy", "scipy", "scikit-learn")


@dataclass(frozen=True)
class Seen:
    """All images as one embedder sees them: `own` [n, d] are the vectors of `descriptions`, in order. `identity`
    changes with the images, the embedder, and what was said where descriptions are embedded."""

    placer: Placer
    descriptions: Sequence[Description]
    failures: Sequence[Failure]
    own: Mapping[str, Vectors]
    identity: str

    @property
    def images(self) -> list[str]:
        return [d.image for d in self.descriptions]


@dataclass(frozen=True)
class Question:
    """What is asked of every cell. `classes`: of images, as far as they are known. `test`: the images that scores and
    silhouettes are of, and whose classes no pairing is shown; empty: all."""

    criterion: str
    k: int | None
    classes: Mapping[str, str]
    test: frozenset[str] = frozenset()

    def scored(self, lane: Lane, of: Mapping[str, T]) -> Mapping[str, T]:
        """Of classes or vectors by image those that count."""
        counted = scored_on(lane, of)
        return {image: value for image, value in counted.items() if image in self.test} if self.test else counted


class SteadyPlacer(Placer):
    """Remembers the last placement: cells that differ in clusterer or seed alone share it. For the same images."""

    _last: tuple[object, Placed] | None = None

    def place(self, descriptions: Sequence[Description], criterion: str, names: Sequence[str] = ()) -> Placed:
        key = (criterion, tuple(names))
        if self._last is None or self._last[0] != key:
            self._last = key, super().place(descriptions, criterion, names)
        return self._last[1]


def look(backends: Backends, source: Source, criterion: str, tick: Tick) -> Seen:
    """Embed all images, or read from the store what was embedded before.

    Raises:
        InputError: not one could be embedded, or vectors have no direction. SpecError, MissingExtra: the embedder.
    """
    placer, said = backends.placer(), ""
    embedder = placer.embedder
    if isinstance(embedder, CachedImages) and not placer.texts_only:
        found = embedder.embed_images(source.items, tick)
        described: list[Description | Failure] = [
            v if isinstance(v, Failure) else Description(i.name, "", "", i.sha256)
            for i, v in zip(source.items, found, strict=True)
        ]
    else:
        describer = backends.describer()
        said = describer.fingerprint
        described = describer.describe(source.items, criterion, tick)
    descriptions, failed = split(described)
    failures = [*source.failures, *failed]
    if not descriptions:
        raise InputError(f"None of {len(failures)} images could be embedded: {failures[0].message}", "")
    own = dict(zip((d.image for d in descriptions), placer.images(descriptions), strict=True))
    images = digest_inputs([(d.image, d.sha256 + d.text) for d in descriptions])
    identity = content_key("compare-seen/1", embedder=embedder.fingerprint, said=said, images=images)
    return Seen(placer, descriptions, failures, own, identity)


def cell_keys(seen: Seen, lanes: Sequence[Lane], asked: Question) -> list[str]:
    """Under which cells are kept: of contents and code, never of paths."""
    apart = ("embedder", "prompts", "prompt_set", "truth", "shown")
    known = repr((sorted(asked.classes.items()), sorted(f.image for f in seen.failures), sorted(asked.test)))
    same = {
        "seen": seen.identity,
        "k": asked.k,
        "truth": hashlib.sha256(known.encode(errors="surrogatepass")).hexdigest(),
        "code": [code_digest(*_CODE), prompt_digest(CRITERION_PROMPT, NAME_PROMPT)],
        "versions": [version(package) for package in _PACKAGES],
    }
    return [
        content_key(
            "compare-cell/1",
            lane={name: value for name, value in lane.to_json().items() if name not in apart},
            prompts=_prompts(lane, asked.criterion),
            criterion=asked.criterion if lane.strategy == CRITERION else "",
            **same,
        )
        for lane in lanes
    ]


def cell_of(
    seen: Seen, placer: Placer, lane: Lane, asked: Question, store: Store, tell: Callable[[str], None]
) -> dict[str, Any]:
    """What one cell found. Scores are those of `ictc score`, the silhouette is that of the images' own vectors, where
    all ways can be compared. With the pairing `label`, or a test part, all are of that alone. `seconds`: of the
    clustering, when it was done.

    Raises:
        UsageError, StepError: it cannot be done; the message says why.
    """
    done = LaneReasoner(placer, lane, store, tell=tell).grouped(seen.descriptions, asked.criterion, asked.k)
    images, placed = seen.images, done.placed
    groups = {i: None if g < 0 else str(g) for i, g in zip(images, done.groups.tolist(), strict=True)}
    known = asked.scored(lane, asked.classes)
    found: dict[str, Any] = {
        "k": len(done.found.centres),
        "unassigned": int(np.count_nonzero(done.groups < 0)),
        **measured(groups, asked.scored(lane, seen.own), known, [f.image for f in seen.failures], DIGITS),
    }
    if placed.nearest is not None and lane.prompt_set is not None and known:
        labels = {i: placed.names[j] for i, j in zip(images, placed.nearest.tolist(), strict=True)}
        right = prompt_accuracy(lane, labels, known)
        found["prompt_acc"] = None if right is None else round(right, DIGITS)
    choice = done.found.choice
    notes = [*([f"K {choice.k}: {choice.reason}"] if choice else []), *done.found.notes]
    return {**found, "notes": notes, "seconds": round(done.found.seconds, 4)}


def _prompts(lane: Lane, criterion: str) -> dict[str, Any]:
    """Of a prompts file, what bears on this strategy."""
    known = lane.prompt_set
    if known is None:
        return {}
    shown = prompts_of(known, lane.strategy, criterion, ()) or prompts_of(known, TASK, criterion, ())
    groups = dict(known.groups) if lane.strategy == GROUPED else {}
    return {"classes": list(known.classes), "prompts": list(shown or ()), "groups": groups}
