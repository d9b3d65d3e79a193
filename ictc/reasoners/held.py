"""Images that come later, put beside those that have their cluster already: the offline reasoner's steps 2a and 3.

The clusters stay what they are: their centres are the means of the images that are in them, also where a person put
these there, and no new image moves a centre, so that what is put beside them does not hang on what else came.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ictc.interfaces import Embedder, Evidence, Reasoner, Tick, Vectors, no_tick
from ictc.reasoners.assign import name_rows
from ictc.reasoners.embedding import EmbeddingReasoner
from ictc.reasoners.nearest import MOST
from ictc.reasoners.space import KEEP, discriminant, scale_of
from ictc.reasoners.spherical import Array, Index, likeness, means, nearest, unit
from ictc.reasoners.spreading import LEAST, NEIGHBOURS, POWER
from ictc.reasoners.wrapping import Wrapped
from ictc.store import content_key
from ictc.types import Assignment, Description, Failure, Label, Taxonomy

_BLOCK = 512  # rows compared with all others at a time
_FEWEST, _SAMPLE = 20, 500  # images whose confidences are enough to go by; and that are gone by


@dataclass(frozen=True, slots=True)
class Known:
    """The images that were there: `labels`, `clusters` (None: in none) and `confidences` (None: nobody said) are in the
    order of `descriptions`."""

    taxonomy: Taxonomy
    descriptions: Sequence[Description]
    labels: Sequence[Label]
    clusters: Sequence[str | None]
    confidences: Sequence[float | None]

    @property
    def digest(self) -> str:
        """Changes with anything that a new image is compared with."""
        digest = hashlib.sha256("\0".join(self.taxonomy.names).encode())
        for d, x, *told in zip(self.descriptions, self.labels, self.clusters, self.confidences, strict=True):
            digest.update("\0".join([d.sha256, d.text, x.label, *map(str, told), "\n"]).encode())
        return digest.hexdigest()

    def groups(self, names: Sequence[str]) -> Index:
        """[n] the number of each image's cluster among `names`, -1 for those in none of them."""
        place: dict[str | None, int] = {name: i for i, name in enumerate(names)}
        return np.asarray([place.get(c, -1) for c in self.clusters], dtype=np.intp)


class Held:
    """Where new unit rows [m, d] lie among `old` ones [n, d] whose `groups` [n] of k are known (-1: in none).

    `near`: the first so many of the old rows are images, and with `votes` neighbours as in `spreading`. `sure`: how
    sure these are of their group; new ones are as sure on the whole as the old would be if they were new.
    """

    def __init__(
        self,
        rows: Vectors,
        old: Vectors,
        groups: Index,
        k: int,
        near: int = 0,
        sure: Sequence[float | None] = (),
        *,
        votes: bool = True,
    ) -> None:
        self._rows, self._old, self._groups, self._k = rows, old, groups, k
        self._near = np.flatnonzero(groups[:near] >= 0)
        most = min(NEIGHBOURS, len(self._near) // (4 * k))
        self._most = most if votes and most >= LEAST and len(self._near) <= MOST else 0
        inside = groups >= 0
        centres = means(old, groups, k)
        self._scale = scale_of(_alike(old[inside], centres))
        self._power = 1.0
        said = [
            (place, value) for place, i in enumerate(self._near.tolist()) if sure and (value := sure[i]) is not None
        ]
        if k > 1 and len(said) >= _FEWEST:
            said = [said[i] for i in np.unique(np.linspace(0, len(said) - 1, _SAMPLE).astype(np.intp)).tolist()]
            own = np.asarray([place for place, _ in said], dtype=np.intp)
            others = old[self._near]
            shares = self._among(others[own], centres, others, groups[self._near], own)
            self._power = _power(shares, float(np.mean([value for _, value in said])))

    def shares(self, known: Mapping[int, int] | None = None) -> Array:
        """[m, k] how much of each group is in every new row, as its centre and its nearest neighbours say, on average.

        `known`: groups of some of the new rows, as somebody else found them: these count as old ones.
        """
        some = np.asarray(sorted(known or {}), dtype=np.intp)
        theirs = np.asarray([(known or {})[i] for i in some.tolist()], dtype=np.intp)
        old, groups = np.vstack([self._old, self._rows[some]]), np.append(self._groups, theirs)
        near = np.append(self._near, len(self._old) + np.arange(len(some)))
        centres, others, theirs = means(old, groups, self._k), old[near], groups[near]
        starts = range(0, len(self._rows), _BLOCK)
        parts = [self._among(self._rows[i : i + _BLOCK], centres, others, theirs) for i in starts]
        return _sharpened(np.concatenate(parts), self._power) if parts else np.zeros((0, self._k))

    def _among(self, rows: Vectors, centres: Array, others: Vectors, groups: Index, own: Index | None = None) -> Array:
        """Shares [m, k] of `rows`; `own`: which of the `others` they are, so that none is its own neighbour."""
        alike = _alike(rows, centres)
        odds: Array = np.exp(self._scale * (alike - alike.max(1, keepdims=True)))
        odds /= odds.sum(1, keepdims=True)
        if not self._most:
            return odds
        apart = -rows @ others.T
        if own is not None:
            apart[np.arange(len(own)), own] = 1
        best = np.argpartition(apart, self._most - 1, axis=1)[:, : self._most]
        weight = np.maximum(-np.take_along_axis(apart, best, 1), 1e-6).astype(np.float64) ** POWER
        votes = np.zeros((len(rows), self._k))
        np.add.at(votes, (np.arange(len(rows))[:, None], groups[best]), weight)
        both: Array = (odds + votes / votes.sum(1, keepdims=True)) / 2
        return both


def _power(shares: Array, wanted: float) -> float:
    """By which power of themselves the best of the shares are `wanted` on the mean."""
    low, high = 1 / 16, 16.0
    for _ in range(30):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if _sharpened(shares, middle).max(1).mean() < wanted else (low, middle)
    return round(float((low * high) ** 0.5), 4)


def _sharpened(shares: Array, power: float) -> Array:
    found: Array = (shares / shares.max(1, keepdims=True)) ** power
    found /= found.sum(1, keepdims=True)
    return found


def _alike(rows: Vectors, centres: Array) -> Array:
    """[n, k] cosines; of an empty group the lowest that there is."""
    found = likeness(rows, unit(centres)).astype(np.float64)
    found[:, ~centres.any(axis=1)] = -1
    return found


class HeldReasoner(EmbeddingReasoner):
    """Implements `Reasoner` for images that come later. `merge` gives the names that there are."""

    def __init__(self, embedder: Embedder, known: Known, evidence: Evidence | None = None) -> None:
        super().__init__(embedder, evidence)
        self.known = known

    @property
    def fingerprint(self) -> str:
        return content_key("held/1", inner=super().fingerprint, known=self.known.digest)

    def label(self, descriptions: Sequence[Description], criterion: str, tick: Tick = no_tick) -> list[Label | Failure]:
        """What is a label hangs on all descriptions together, old ones included."""
        found = super().label([*self.known.descriptions, *descriptions], criterion)
        tick(len(descriptions))
        return found[len(self.known.descriptions) :]

    def merge(
        self, descriptions: Sequence[Description], labels: Sequence[Label], criterion: str, k: int | None
    ) -> Taxonomy:
        return self.known.taxonomy

    def places(  # type: ignore[override]
        self, descriptions: Sequence[Description], taxonomy: Taxonomy, criterion: str
    ) -> tuple[Held, Sequence[str]]:
        """New descriptions that say something, among the clusters; and their labels."""
        n, k = len(self.known.descriptions), taxonomy.k
        both = [*self.known.descriptions, *descriptions]
        labels = self._answers(both, criterion).labels
        rows = self.rows(both, criterion)
        groups = self.known.groups(taxonomy.names)
        if k == 1:
            ones = np.ones((len(both), 1), dtype=np.float32)
            return Held(ones[n:], ones[:n], groups, 1), labels[n:]
        if self._vectors(both, criterion) is not None:
            return Held(rows[n:], rows[:n], groups, k, n, self.known.confidences, votes=False), labels[n:]
        names = name_rows(taxonomy, self._embedder.embed_texts)
        old, held = np.vstack([rows[:n], names]), np.append(groups, np.arange(k))
        old, new = _seen(old, held, rows[n:], k)
        return Held(new, old, held, k, n, self.known.confidences), labels[n:]


class WithKnown(Wrapped):
    """A reasoner whose step 3 has all images, of which `inner` is asked about the new ones alone: the others stay where
    they are. So what is around it sees the whole collection."""

    def __init__(self, inner: Reasoner, known: Known) -> None:
        super().__init__(inner)
        self._stays = {d.image: Assignment(d.image, c) for d, c in zip(known.descriptions, known.clusters, strict=True)}

    @property
    def fingerprint(self) -> str:
        return self._inner.fingerprint

    def assign(
        self, descriptions: Sequence[Description], taxonomy: Taxonomy, criterion: str, tick: Tick = no_tick
    ) -> list[Assignment | Failure]:
        new = [d for d in descriptions if d.image not in self._stays]
        found = iter(self._inner.assign(new, taxonomy, criterion, tick) if new else ())
        return [self._stays[d.image] if d.image in self._stays else next(found) for d in descriptions]


def _seen(old: Vectors, groups: Index, new: Vectors, k: int) -> tuple[Vectors, Vectors]:
    """Old and new rows where the groups are round their centres: as they are, else by the discriminant that tells the
    groups apart (see `space`). Every group needs a row."""
    inside = groups >= 0
    if float(np.mean(nearest(old[inside], unit(means(old, groups, k))) == groups[inside])) >= KEEP:
        return old, new
    rows = np.vstack([old, new])
    all_groups = np.append(groups, np.zeros(len(new), dtype=np.intp))
    taught = np.append(inside, np.zeros(len(new), dtype=bool))
    seen, _ = discriminant(rows, np.where(taught, all_groups, 0), taught, k)
    narrow = seen.astype(np.float32)
    return narrow[: len(old)], narrow[len(old) :]
