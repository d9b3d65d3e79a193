"""The clusters of described images, carried to those that nobody described."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ictc.interfaces import Vectors
from ictc.means import Means
from ictc.reasoners.cascade.calibration import calibrate
from ictc.reasoners.spherical import BLOCK, Array, Index
from ictc.reasoners.unsure import checked
from ictc.sampling.account import Account
from ictc.sampling.audit import estimated
from ictc.sampling.probe import train
from ictc.sampling.seeing import Seen
from ictc.types import Assignment

BY = "probe"
"""Who assigned an image that nobody described."""

Parts = dict[str, str]
"""Why each image of the sample is described: `cover`, `uncertain`, `audit`, or as a `copy` of one that is; `new` where
an update described it."""

LEARNT = frozenset({"cover", "uncertain", "new"})


@dataclass(frozen=True)
class Carried:
    """`assignments` by image. `pairs`: of every image audited, the cluster by the probe and that by the reasoner."""

    assignments: Mapping[str, Assignment]
    pairs: Sequence[tuple[str | None, str | None]] = field(default_factory=list)


def carried(
    seen: Seen,
    chosen: Mapping[str, str],
    described: Mapping[str, str | None],
    names: Sequence[str],
    images: Sequence[str],
    least: float = 0.0,
) -> Carried:
    """`images` in the clusters `names`. `chosen`: the sample; `described`: the cluster of each of its images that has
    one or is in none. Images less sure than `least` are in none."""
    number = {name: i for i, name in enumerate(seen.names)}
    place = {name: i for i, name in enumerate(names)}
    of_sample = {n: c for n, c in described.items() if n in chosen and n in number}
    known = [(number[n], place[c]) for n, c in of_sample.items() if chosen[n] in LEARNT and c in place]
    audited = [number[n] for n in of_sample if chosen[n] == "audit"]
    rest = [number[i] for i in images if i in number]
    if not known:
        found = {i: Assignment(i, None, None, BY, "no described image is in a cluster") for i in images if i in number}
        return Carried(found, [(None, of_sample[seen.names[i]]) for i in audited])
    rows, groups = (np.asarray(part, dtype=np.intp) for part in zip(*known, strict=True))
    probe = train(seen.whole[rows], groups, len(names))
    of_audit = probe.shares(seen.whole[audited])
    first = of_audit.argmax(1).tolist()
    right = [names[g] == of_sample[seen.names[i]] for g, i in zip(first, audited, strict=True)]
    scaling = calibrate([*probe.trusted, *of_audit.max(1).tolist()], [*probe.agreed, *right])

    def placed(numbers: Sequence[int], shares: Array) -> list[Assignment]:
        best = shares.argmax(1)
        like = _likest(seen.rows, numbers, best, rows, groups)
        sure = scaling(shares.max(1))
        return [
            _checked(Assignment(seen.names[i], names[g], round(float(c), 4), BY, f"like {seen.names[j]}"), least)
            for i, g, c, j in zip(numbers, best.tolist(), sure, like.tolist(), strict=True)
        ]

    pairs = [(a.cluster, of_sample[a.image]) for a in placed(audited, of_audit)]
    return Carried({a.image: a for a in placed(rest, probe.shares(seen.whole[rest]))}, pairs)


def account_of(means: Means, seen: Seen, chosen: Mapping[str, str], done: Carried) -> Account:
    """What is to be told of it."""
    sample = means.sample
    assert sample
    whys = list(chosen.values())
    found = Account(sample.size, sample.embedder, len(seen.names) + len(seen.failures), described=len(chosen))
    found = replace(found, cover=whys.count("cover"), uncertain=whys.count("uncertain"), probed=len(done.assignments))
    return estimated(found, done.pairs)


def _checked(found: Assignment, least: float) -> Assignment:
    sure = checked(found, least)
    assert isinstance(sure, Assignment)
    return sure


def _likest(rows: Vectors, images: Sequence[int], best: Index, known: Index, groups: Index) -> Index:
    """Of each image, the described one of its cluster that it is most like."""
    found = np.zeros(len(images), dtype=np.intp)
    for start in range(0, len(images), BLOCK):
        part = slice(start, start + BLOCK)
        alike = rows[list(images[part])] @ rows[known].T
        alike[best[part, None] != groups[None, :]] = -np.inf
        found[part] = known[alike.argmax(1)]
    return found
