"""What became of clusters and images from one result to another. Pure; 100,000 images take a second.

Two clusters are tied where more than half of one lies in the other, of the images that both results have (the overlap
of MONIC; Spiliopoulou et al., KDD 2006). A cluster tied to one that is tied to it alone was `kept`, or `renamed`; one
tied to several was `split`; several tied to one were `merged`, several to several `mixed`; one tied to none is `gone`
or `new`. Clusters without a common image are tied by their name.

An image `moved` where its cluster then and its cluster now are neither tied nor of one name. Where they are tied it
followed its cluster (`renamed`, `split`, `merged`, `mixed`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ictc.crosstab import agreement
from ictc.differing.pairing import pairs
from ictc.errors import InputError
from ictc.result import Result

Why = Literal["moved", "renamed", "split", "merged", "mixed"]
What = Literal["kept", "renamed", "split", "merged", "mixed", "gone", "new"]
_CHANGES: tuple[What, ...] = ("renamed", "split", "merged", "mixed", "gone", "new")


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of the clusters `before`, or what the clusters `after` were. `images`: in all of `before` (where
    there are none, of `after`), of those that both results have; `stayed`: how many of these lie in `after`."""

    what: What
    before: tuple[str, ...]
    after: tuple[str, ...]
    images: int
    stayed: int


@dataclass(frozen=True, slots=True)
class Moved:
    """One image whose cluster has another name now; None is unassigned. `why`: `moved` by itself, or with its
    cluster. `confidence`: now; `image`: its name in the second result."""

    image: str
    before: str | None
    after: str | None
    why: Why
    confidence_before: float | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """`before` and `after` count the images that only one result has in `only_before` and `only_after`. `ari` and
    `nmi` (arithmetic mean): agreement over the `common` ones, None where there are none."""

    criteria: tuple[str, str]
    k: tuple[int, int]
    common: int
    only_before: int
    only_after: int
    fates: Sequence[Fate]
    images: Sequence[Moved]
    ari: float | None
    nmi: float | None

    @property
    def moved(self) -> list[Moved]:
        """The images that moved by themselves."""
        return [m for m in self.images if m.why == "moved"]

    @property
    def changes(self) -> list[Fate]:
        """What became of clusters that were not kept."""
        return [f for f in self.fates if f.what in _CHANGES]

    def to_json(self) -> dict[str, Any]:
        """All but the images that only followed their cluster."""
        own = {"criteria": self.criteria, "k": self.k, "common": self.common}
        only = {"only_before": self.only_before, "only_after": self.only_after, "ari": self.ari, "nmi": self.nmi}
        moved = self.moved
        return {
            **own,
            **only,
            "clusters": [asdict(f) for f in self.fates],
            "moved": len(moved),
            "images": [asdict(m) for m in moved],
        }


def compared(before: Result, after: Result, *names: str) -> Difference:
    """`difference`, of results that need not be of the same images; `names` of the two for the message.

    Raises:
        InputError: they have no image in common.
    """
    found = difference(before, after)
    if found.common:
        return found
    first, second = names or ("the first", "the second")
    raise InputError(
        f"{first} ({found.only_before} images) and {second} ({found.only_after}) have no image in common, by name and "
        "content or by content: there is nothing to compare.",
        "Compare revisions of one run, or two runs on the same images.",
    )


def difference(before: Result, after: Result) -> Difference:
    """From one result to another. Images are the same by name and content, else by content alone."""
    same = pairs(before, after)
    first = {a.image: a for a in before.assignments}
    second = {a.image: a for a in after.assignments}
    both = [(first[i], second[j]) for i, j in same]
    counts = Counter((a.cluster, b.cluster) for a, b in both)
    fates = _fates(before.names, after.names, counts)
    home = {(x, y): f.what for f in fates for x in f.before for y in f.after}
    images = [
        Moved(b.image, a.cluster, b.cluster, _why(a.cluster, b.cluster, home), a.confidence, b.confidence)
        for a, b in both
        if a.cluster != b.cluster
    ]
    ari, nmi = agreement([(a.cluster, b.cluster) for a, b in both])
    return Difference(
        (before.criterion, after.criterion),
        (before.k, after.k),
        len(both),
        len(first) - len(both),
        len(second) - len(both),
        fates,
        images,
        ari,
        nmi,
    )


def _why(before: str | None, after: str | None, home: Mapping[tuple[str, str], What]) -> Why:
    found = home.get((before, after)) if before is not None and after is not None else None
    if found is None or found == "kept" or found == "gone" or found == "new":
        return "moved"
    return found


def _fates(
    before: Sequence[str], after: Sequence[str], counts: Mapping[tuple[str | None, str | None], int]
) -> list[Fate]:
    sizes_before, sizes_after = Counter[str | None](), Counter[str | None]()
    for (a, b), n in counts.items():
        sizes_before[a] += n
        sizes_after[b] += n
    ties: dict[str, list[str]] = {a: [] for a in before}
    for (a, b), n in counts.items():
        if a is not None and b is not None and (2 * n > sizes_before[a] or 2 * n > sizes_after[b]):
            ties[a].append(b)
    tied = {b for ends in ties.values() for b in ends}
    for a in before:
        if a in after and not ties[a] and a not in tied and not (sizes_before[a] and sizes_after[a]):
            ties[a].append(a)
    groups = _together(ties, after)
    fates = [_fate(left, right, counts, sizes_before, sizes_after) for left, right in groups]
    order = {what: i for i, what in enumerate((*_CHANGES, "kept"))}
    return sorted(fates, key=lambda f: (order[f.what], -f.images, f.before, f.after))


def _together(ties: Mapping[str, Sequence[str]], after: Sequence[str]) -> list[tuple[list[str], list[str]]]:
    """Clusters that are tied, directly or through others, in the order of the taxonomies."""
    groups: list[tuple[list[str], list[str]]] = []
    for a, ends in ties.items():
        met = [g for g in groups if set(ends) & set(g[1])]
        left = [*(x for g in met for x in g[0]), a]
        right = list(dict.fromkeys([*(y for g in met for y in g[1]), *ends]))
        groups = [*(g for g in groups if g not in met), (left, right)]
    reached = {y for _, right in groups for y in right}
    return [*groups, *(([], [b]) for b in after if b not in reached)]


def _fate(
    left: Sequence[str],
    right: Sequence[str],
    counts: Mapping[tuple[str | None, str | None], int],
    sizes_before: Mapping[str | None, int],
    sizes_after: Mapping[str | None, int],
) -> Fate:
    what: What
    if not left or not right:
        what = "gone" if left else "new"
    elif len(left) == len(right) == 1:
        what = "kept" if left[0] == right[0] else "renamed"
    elif len(left) == 1:
        what = "split"
    else:
        what = "merged" if len(right) == 1 else "mixed"
    sizes: Iterable[int] = (sizes_before[a] for a in left) if left else (sizes_after[b] for b in right)
    stayed = sum(counts.get((a, b), 0) for a in left for b in right)
    ranked = sorted(right, key=lambda b: -sizes_after[b])
    return Fate(what, tuple(sorted(left, key=lambda a: -sizes_before[a])), tuple(ranked), sum(sizes), stayed)
