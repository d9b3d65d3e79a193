"""Whether new images are like those that were there: every sign with the share one would expect and a p-value.

Were new and old images drawn from the same source, any of them could have been the new ones. So each old image is
judged as a new one is: against the others, without itself. Signs, each one-sided but the last:

unassigned  no cluster has it (Fisher's exact test)
unsure      less surely in any one cluster (its lead over the second by cosine to the centres, its own less itself) than
            all but a tenth of the old
unlike      further from the five images nearest to it than all but a twentieth of the old
unheard     its label is that of no other old image: what is expected is the share of old labels that occur once
            (Good 1953); Fisher's exact test
shares      clusters take other shares of the new than of the old (chi-square; its distribution under "no drift" is
            drawn, 2,000 times, from the pooled counts, so that small clusters do no harm)

How many of m new ones lie below the r-th lowest of n old ones is negative hypergeometric whatever the scores are: an
exact test. p-values are adjusted for their number (Holm 1979); drift is what stays below .05. Intervals: Wilson, 95 %.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ictc.interfaces import Vectors
from ictc.reasoners.cascade.calibration import interval
from ictc.reasoners.spherical import BLOCK, Array, Index, means, unit
from ictc.reasoners.words import same_word_key

LEVEL = 0.05
UNSURE, UNLIKE = 0.1, 0.05
"""Shares of the old images that count as unsure and as unlike the others."""
_NEAR = 5
_SAMPLE = 2000  # old images that the new ones' nearness is compared with that of
_DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Sign:
    """`new` of `of` images have it, with the share's 95 % interval `low` to `high`; `expected`: the share of the old
    that have it. `p`: adjusted for the number of signs."""

    name: str
    new: int
    of: int
    low: float
    high: float
    expected: float
    p: float

    @property
    def share(self) -> float:
        return round(self.new / max(1, self.of), 4)

    @property
    def drifts(self) -> bool:
        return self.p < LEVEL

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "share": self.share, "drifts": self.drifts}


@dataclass(frozen=True, slots=True)
class Drift:
    """`confidence`: the mean of the new and of the old, as the results have it; None where no image has one.
    `doubtful`: numbers of the new images with any of the signs."""

    signs: Sequence[Sign]
    shares_p: float | None
    confidence: tuple[float | None, float | None]
    doubtful: Sequence[int] = ()

    @property
    def drifts(self) -> bool:
        return any(s.drifts for s in self.signs) or (self.shares_p is not None and self.shares_p < LEVEL)

    def to_json(self) -> dict[str, Any]:
        new, old = self.confidence
        told = {"shares_p": self.shares_p, "confidence": {"new": new, "old": old}}
        return {"drifts": self.drifts, "signs": {s.name: s.to_json() for s in self.signs}, **told}


@dataclass(frozen=True, slots=True)
class Side:
    """Images on one side of the comparison: `rows` [n, d] unit, `groups` [n] (-1: unassigned), and their labels."""

    rows: Vectors
    groups: Index
    labels: Sequence[str]
    confidences: Sequence[float | None]


def drift(old: Side, new: Side, k: int) -> Drift:
    """Of new images against old ones, both at least one; the same for the same input."""
    m, n = len(new.rows), len(old.rows)
    found = [_more("unassigned", new.groups < 0, old.groups < 0)]
    low = np.zeros(m, dtype=bool)
    far = np.zeros(m, dtype=bool)
    if k > 1 and (old.groups >= 0).any():
        theirs, ours = _leads(old, new, k)
        low, sign = _below("unsure", ours, theirs, UNSURE)
        found.append(sign)
    if n > _NEAR:
        theirs, ours = _nearness(old.rows, new.rows)
        far, sign = _below("unlike", ours, theirs, UNLIKE)
        found.append(sign)
    known = Counter(map(same_word_key, old.labels))
    unheard = np.asarray([same_word_key(x) not in known for x in new.labels], dtype=bool)
    found.append(_more("unheard", unheard, np.asarray([known[same_word_key(x)] == 1 for x in old.labels], dtype=bool)))
    shares = _shares_p(old.groups, new.groups, k)
    adjusted = holm([*(p for _, p in found), *([shares] if shares is not None else [])])
    signs = [Sign(*facts, p=p) for (facts, _), p in zip(found, adjusted, strict=False)]
    doubtful = np.flatnonzero((new.groups < 0) | low | far | unheard).tolist()
    confidence = (_mean(new.confidences), _mean(old.confidences))
    return Drift(signs, adjusted[-1] if shares is not None else None, confidence, doubtful)


def holm(p: Sequence[float]) -> list[float]:
    """p-values adjusted for their number, in their order (Holm 1979)."""
    order = sorted(range(len(p)), key=lambda i: p[i])
    found, most = [0.0] * len(p), 0.0
    for rank, i in enumerate(order):
        most = max(most, min(1.0, (len(p) - rank) * p[i]))
        found[i] = round(most, 6)
    return found


_Facts = tuple[str, int, int, float, float, float]


def _facts(name: str, hits: int, of: int, expected: float) -> _Facts:
    low, high = interval(hits, of)
    return name, hits, of, round(low, 4), round(high, 4), round(expected, 4)


def _more(name: str, new: NDArray[np.bool_], old: NDArray[np.bool_]) -> tuple[_Facts, float]:
    x, y, m, n = int(new.sum()), int(old.sum()), len(new), len(old)
    return _facts(name, x, m, y / n), more_often(x, m, y, n)


def more_often(x: int, m: int, y: int, n: int) -> float:
    """How likely x of m and y of n, or more of the first, are where both have one share (Fisher's exact test)."""
    from scipy.stats import fisher_exact

    return float(fisher_exact(np.asarray([[x, m - x], [y, n - y]]), alternative="greater").pvalue)


def _below(name: str, new: Array, old: Array, share: float) -> tuple[NDArray[np.bool_], tuple[_Facts, float]]:
    """Which of the new lie below the r-th lowest of the old, and how likely so many are."""
    from scipy.stats import nhypergeom

    m, n = len(new), len(old)
    rank = max(1, round(share * n))
    hit = new < np.partition(old, rank - 1)[rank - 1]
    x = int(hit.sum())
    p = float(nhypergeom.sf(x - 1, n + m, m, rank)) if x else 1.0
    return hit, (_facts(name, x, m, rank / (n + 1)), min(1.0, max(0.0, p)))


def _leads(old: Side, new: Side, k: int) -> tuple[Array, Array]:
    """The lead of every old and new image's best cluster over its second. An old one is not in its own centre."""
    inside = old.groups >= 0
    sums = means(old.rows, old.groups, k) * np.bincount(old.groups[inside], minlength=k)[:, None]
    there = np.bincount(old.groups[inside], minlength=k) > 0
    centres = unit(sums)
    own = np.zeros(len(old.rows))
    for start in range(0, len(old.rows), BLOCK):
        part = slice(start, start + BLOCK)
        some = inside[part]
        rows = old.rows[part][some].astype(np.float64)
        own[np.arange(start, start + len(some))[some]] = (unit(sums[old.groups[part][some]] - rows) * rows).sum(1)
    leads = []
    for side, without in ((old, True), (new, False)):
        alike = side.rows.astype(np.float64) @ centres.T
        alike[:, ~there] = -1
        if without:
            alike[np.flatnonzero(inside), old.groups[inside]] = own[inside]
        ordered = np.sort(alike, axis=1)
        leads.append(np.round(ordered[:, -1] - ordered[:, -2], 6))
    return leads[0], leads[1]


def _nearness(old: Vectors, new: Vectors) -> tuple[Array, Array]:
    """The mean cosine of some old rows, and of all new ones, to the five old rows nearest to each."""
    some = np.unique(np.linspace(0, len(old) - 1, min(len(old), _SAMPLE)).astype(np.intp))

    def near(rows: Vectors, own: Index | None) -> Array:
        parts = []
        for start in range(0, len(rows), 256):
            alike = rows[start : start + 256] @ old.T
            if own is not None:
                alike[np.arange(len(alike)), own[start : start + 256]] = -np.inf
            best = np.partition(alike, -_NEAR, axis=1)[:, -_NEAR:]
            parts.append(best.mean(1, dtype=np.float64))
        return np.round(np.concatenate(parts), 6)

    return near(old[some], some), near(new, None)


def _shares_p(old: Index, new: Index, k: int) -> float | None:
    """How likely shares of the clusters as different as these are; None with a single cluster."""
    before, after = (np.bincount(g[g >= 0], minlength=k) for g in (old, new))
    total = before + after
    total = total[total > 0]
    m = int(after.sum())
    if len(total) < 2 or not m or not before.sum():
        return None
    expected = total * (m / total.sum())
    drawn = np.random.default_rng(0).multivariate_hypergeometric(total, m, size=_DRAWS, method="marginals")
    seen = (((after[before + after > 0] - expected) ** 2) / expected).sum()
    apart = (((drawn - expected) ** 2) / expected).sum(1)
    return round(float((1 + np.count_nonzero(apart >= seen - 1e-9)) / (_DRAWS + 1)), 6)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return round(sum(known) / len(known), 4) if known else None
