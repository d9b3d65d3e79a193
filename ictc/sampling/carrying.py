"""The clusters of described images, carried to those that nobody described."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ictc.backends import Backends
from ictc.interfaces import Vectors
from ictc.reasoners.cascade.calibration import calibrate
from ictc.reasoners.spherical import BLOCK, Array, Index
from ictc.reasoners.unsure import checked
from ictc.revision import Revision
from ictc.sampling.account import Account
from ictc.sampling.audit import estimated
from ictc.sampling.probe import train
from ictc.sampling.seeing import Seen
from ictc.types import Assignment

BY = "probe"
"""Who assigned an image that nobody described."""

Parts = dict[str, str]
"""Why each image of the sample is described: `cover`, `uncertain`, `audit`, or as a `copy` of one that is."""

LEARNT: frozenset[str] = frozenset({"cover", "uncertain"})


@dataclass(frozen=True)
class Carried:
    """`assignments`: of the images that are not in the sample."""

    assignments: Sequence[Assignment]
    account: Account


def carried(seen: Seen, chosen: Mapping[str, str], revision: Revision, backends: Backends) -> Carried:
    """Every image outside of the sample in the cluster that the probe gives it."""
    means, described = backends.means, {a.image: a.cluster for a in revision.assignments() if a.image in chosen}
    sample = means.sample
    assert sample
    number = {name: i for i, name in enumerate(seen.names)}
    rest = [i for i, name in enumerate(seen.names) if name not in chosen]
    account = Account(
        sample.size,
        sample.embedder,
        len(seen.names) + len(seen.failures),
        described=len(chosen),
        cover=sum(why == "cover" for why in chosen.values()),
        uncertain=sum(why == "uncertain" for why in chosen.values()),
        probed=len(rest),
    )
    names = revision.taxonomy().names
    place = {name: i for i, name in enumerate(names)}
    known = [(number[n], place[c]) for n, c in described.items() if chosen[n] in LEARNT and n in number and c in place]
    audited = [number[n] for n in described if chosen[n] == "audit" and n in number]
    if not known:
        found = [Assignment(seen.names[i], None, None, BY, "no described image is in a cluster") for i in rest]
        return Carried(found, estimated(account, [(None, described[seen.names[i]]) for i in audited]))
    rows, groups = (np.asarray(part, dtype=np.intp) for part in zip(*known, strict=True))
    probe = train(seen.rows[rows], groups, len(names))
    of_audit = probe.shares(seen.rows[audited])
    first = of_audit.argmax(1) if len(audited) else np.empty(0, dtype=np.intp)
    right = [names[g] == described[seen.names[i]] for g, i in zip(first.tolist(), audited, strict=True)]
    scaling = calibrate([*probe.trusted, *of_audit.max(1, initial=0).tolist()], [*probe.agreed, *right])
    least = means.wording.min_confidence

    def placed(images: Sequence[int], shares: Array) -> list[Assignment]:
        best = shares.argmax(1)
        like = _likest(seen.rows, images, best, rows, groups)
        sure = scaling(shares.max(1))
        return [
            _checked(Assignment(seen.names[i], names[g], round(float(c), 4), BY, f"like {seen.names[j]}"), least)
            for i, g, c, j in zip(images, best.tolist(), sure, like.tolist(), strict=True)
        ]

    pairs = [(a.cluster, described[a.image]) for a in placed(audited, of_audit)] if audited else []
    found = placed(rest, probe.shares(seen.rows[rest])) if rest else []
    return Carried(found, estimated(account, pairs))


def _checked(found: Assignment, least: float) -> Assignment:
    sure = checked(found, least) if least else found
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
