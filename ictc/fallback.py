"""When a model is gone, the other lane does the rest, and every image concerned says so in its `by` or `model`.

Only failures with a code in `GONE` fall back; all others stay failures. They are never stored, so the same command asks
the model again, for these images alone (`fell_back` tells a run that there are such), and what it answered in the
meantime is found in the store: results can only become more the model's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from sys import intern
from typing import TypeVar

from ictc.errors import ModelGone
from ictc.interfaces import Describer, Evidence, Reasoner, Tick, Vectors, no_tick
from ictc.progress import AtMost
from ictc.reasoners.cascade.bargain import Bargain, bargain_of
from ictc.store import Store, content_key
from ictc.types import GONE, Assignment, Description, Failure, Item, Label, Taxonomy

T = TypeVar("T")

LOST = "gone"
"""Stands for the code where a model was lost in a way that has none."""

_MARK = re.compile(rf" \(.* ({'|'.join(sorted([*GONE, LOST]))})\)$", re.DOTALL)


def fell_back(assignments: Iterable[Assignment] = (), descriptions: Iterable[Description] = ()) -> int:
    """How many images carry the mark of a fallback."""
    marked = {a.image for a in assignments if _MARK.search(a.by)}
    return len(marked | {d.image for d in descriptions if _MARK.search(d.model)})


def told_of(assignments: Iterable[Assignment], descriptions: Iterable[Description]) -> list[str]:
    """For a person: how many images each lost model is missed for, and why."""
    lost: dict[str, set[str]] = {}
    for image, by in [*((a.image, a.by) for a in assignments), *((d.image, d.model) for d in descriptions)]:
        if found := _MARK.search(by):
            lost.setdefault(found[0].strip(" ()"), set()).add(image)
    return [
        f"{len(images)} images were done without the model, wholly or in part ({what}); the same command asks it again."
        for what, images in sorted(lost.items())
    ]


class FallbackDescriber:
    """A describer that asks `first`, and `second` for what `first` is gone for. `spec` is what the marks call it."""

    def __init__(self, first: Describer, second: Describer, spec: str) -> None:
        self._first = first
        self._second = second
        self._spec = spec

    @property
    def fingerprint(self) -> str:
        """That of `first`: it is asked again for what fell back, so a run with a fallback is the same run."""
        return self._first.fingerprint

    def describe(self, items: Sequence[Item], criterion: str, tick: Tick = no_tick) -> list[Description | Failure]:
        once = AtMost(len(items), tick)
        found, lost = _asked(lambda: self._first.describe(items, criterion, once), len(items))
        if lost:
            rest = self._second.describe([items[i] for i in lost], criterion, once)
            for (i, code), other in zip(lost.items(), rest, strict=True):
                found[i] = other if isinstance(other, Failure) else replace(other, model=self._mark(other.model, code))
        return [f for f in found if f is not None]

    def evidence(self, descriptions: Sequence[Description], criterion: str) -> Vectors | None:
        """What `second` measured, where it described all of these; implements `Evidence`."""
        if isinstance(self._second, Evidence) and fell_back(descriptions=descriptions) == len(descriptions) > 0:
            return self._second.evidence(descriptions, criterion)
        return None

    def _mark(self, model: str, code: str) -> str:
        return f"{model} ({self._spec} {code})"


class FallbackReasoner:
    """A reasoner that asks `first`, and `second` for what `first` is gone for.

    `second` is given all descriptions of a step and its answers are used for those that `first` left: it judges them
    together, and so its answer for an image does not depend on how many others were lost. An image whose label, or
    whose taxonomy, is of `second` says so in `by` even where `first` is back and assigns it: the run's `store`
    remembers, also for steps in processes of their own.
    """

    def __init__(self, first: Reasoner, second: Reasoner, spec: str, store: Store | None = None) -> None:
        self._first = first
        self._second = second
        self._spec = spec
        self._store = store or Store(None)

    @property
    def fingerprint(self) -> str:
        """That of `first`: it is asked again for what fell back, so a run with a fallback is the same run."""
        return self._first.fingerprint

    @property
    def bargain(self) -> Bargain | None:
        """See `bargain_of`."""
        return bargain_of(self._first)

    def label(self, descriptions: Sequence[Description], criterion: str, tick: Tick = no_tick) -> list[Label | Failure]:
        once = AtMost(len(descriptions), tick)
        found, lost = _asked(lambda: self._first.label(descriptions, criterion, once), len(descriptions))
        if lost:
            rest = self._second.label(descriptions, criterion, once)
            for i, code in lost.items():
                other = rest[i]
                found[i] = replace(other, by=intern(self._mark(other.by, code))) if isinstance(other, Label) else other
        self._remember({self._text(criterion, d.text): lost.get(i, "") for i, d in enumerate(descriptions)})
        return [f for f in found if f is not None]

    def merge(
        self, descriptions: Sequence[Description], labels: Sequence[Label], criterion: str, k: int | None
    ) -> Taxonomy:
        code = ""
        try:
            taxonomy = self._first.merge(descriptions, labels, criterion, k)
        except ModelGone:
            code = LOST
            taxonomy = self._second.merge(descriptions, labels, criterion, k)
        self._remember({self._names(criterion, taxonomy): code})
        return taxonomy

    def assign(
        self, descriptions: Sequence[Description], taxonomy: Taxonomy, criterion: str, tick: Tick = no_tick
    ) -> list[Assignment | Failure]:
        once = AtMost(len(descriptions), tick)
        found, lost = _asked(lambda: self._first.assign(descriptions, taxonomy, criterion, once), len(descriptions))
        if lost:
            rest = self._second.assign(descriptions, taxonomy, criterion, once)
            for i in lost:
                found[i] = rest[i]
        names, texts = self._names(criterion, taxonomy), [self._text(criterion, d.text) for d in descriptions]
        before = self._store.get_json([names, *texts])
        for i, (f, text) in enumerate(zip(found, texts, strict=True)):
            told = [("", lost.get(i)), ("names: ", before.get(names)), ("label: ", before.get(text))]
            what, code = next(((what, code) for what, code in told if code), ("", ""))
            if isinstance(f, Assignment) and code:
                found[i] = replace(f, by=self._mark(f.by, code, what))
        return [f for f in found if f is not None]

    def _mark(self, by: str, code: str, what: str = "") -> str:
        return f"{by} ({what}{self._spec} {code})"

    def _text(self, criterion: str, text: str) -> str:
        return content_key("fell-back/1", criterion=criterion, text=text, model=self._first.fingerprint)

    def _names(self, criterion: str, taxonomy: Taxonomy) -> str:
        return content_key("fell-back/1", criterion=criterion, names=taxonomy.names, model=self._first.fingerprint)

    def _remember(self, codes: Mapping[str, str]) -> None:
        """Why each of these is of the other lane; "" where it is not, or no longer."""
        known = self._store.get_json(list(codes))
        self._store.put_json([(key, code) for key, code in codes.items() if code != known.get(key, "")])


def _asked(answers: Callable[[], Sequence[T | Failure]], total: int) -> tuple[list[T | Failure | None], dict[int, str]]:
    """What the first one answered, and the places of what it is gone for, with the code."""
    try:
        found: list[T | Failure | None] = list(answers())
    except ModelGone:
        return [None] * total, dict.fromkeys(range(total), LOST)
    return found, {i: f.code for i, f in enumerate(found) if isinstance(f, Failure) and f.code in GONE}
