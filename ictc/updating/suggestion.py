"""A cluster that the names lack: doubtful new images that belong together and to none of the clusters.

They belong together: joined by average linkage for as long as the mean cosine between their images stays above the bar,
half-way between that within the median cluster and that to the cluster nearest to it; and no closer than the bar to any
cluster. And they were fewer before: the share of old images as close to the group is surely smaller (Fisher's exact
test, .05 over all such groups); what was there all along, the names were made with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ictc.reasoners.spherical import Array, Index, means
from ictc.reasoners.words import same_word_key
from ictc.updating.drift import LEVEL, Side, more_often

FEWEST = 5  # images: of fewer, nobody would make a cluster
_MOST = 4000  # images that are joined: their likeness is a matrix
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A cluster `name`d by its images' commonest label (`share` of them have it), the most typical images first."""

    name: str
    share: float
    images: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "images": list(self.images), "size": len(self.images)}

    @property
    def examples(self) -> Sequence[str]:
        return self.images[:_EXAMPLES]


def suggestion(
    old: Side, new: Side, doubtful: Sequence[int], images: Sequence[str], names: Sequence[str]
) -> Suggestion | None:
    """The largest such group among the `doubtful` of the new; None where there is none of five images or more.

    `images`: names of the new; `names`: of the clusters that there are.
    """
    some = np.asarray(doubtful[:_MOST], dtype=np.intp)
    bar = _bar(old, len(names))
    if len(some) < FEWEST or bar is None:
        return None
    rows = new.rows[some].astype(np.float64)
    groups = _joined(rows, bar)
    m, n = len(new.rows), len(old.rows)
    there = np.bincount(old.groups[old.groups >= 0], minlength=len(names)) > 0
    centres = means(old.rows, old.groups, len(names))[there]
    large = [g for g in map(np.flatnonzero, (groups == i for i in range(int(groups.max()) + 1))) if len(g) >= FEWEST]
    best: list[int] = []
    for inside in large:
        middle = rows[inside].mean(0)
        before = int(np.count_nonzero(old.rows @ middle >= bar))
        apart = float((centres @ middle).max()) < bar
        if apart and len(inside) > len(best) and more_often(len(inside), m, before, n) * len(large) < LEVEL:
            best = inside.tolist()
    if not best:
        return None
    typical = sorted(best, key=lambda i: (-round(float(rows[i] @ rows[best].mean(0)), 6), i))
    members = [int(some[i]) for i in typical]
    name, count = _name([new.labels[i] for i in members], names)
    return Suggestion(name, round(count / len(members), 4), [images[i] for i in members])


def _bar(old: Side, k: int) -> float | None:
    """Half-way between the mean cosine within the median cluster and that to its nearest; 0 stands for no other."""
    sizes = np.bincount(old.groups[old.groups >= 0], minlength=k).astype(np.float64)
    many = sizes >= FEWEST
    if not many.any():
        return None
    centres, n = means(old.rows, old.groups, k)[many], sizes[many]
    alike = centres @ centres.T
    inner = (n * alike.diagonal() - 1) / (n - 1)  # without each with itself
    np.fill_diagonal(alike, -np.inf)
    near = np.maximum(alike.max(1), 0.0)
    return float((np.median(inner) + np.median(near)) / 2)


def _joined(rows: Array, bar: float) -> Index:
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    apart = np.clip(1 - rows @ rows.T, 0, 2)
    np.fill_diagonal(apart, 0)
    tree = linkage(squareform(np.round((apart + apart.T) / 2, 9), checks=False), "average")
    found: Index = fcluster(tree, 1 - bar, "distance").astype(np.intp) - 1
    return found


def _name(labels: Sequence[str], names: Sequence[str]) -> tuple[str, int]:
    """The commonest label that is no cluster's name (else the commonest), and how many have it."""
    taken = {same_word_key(name) for name in names}
    counts = Counter(labels)
    label, count = min(counts.items(), key=lambda x: (same_word_key(x[0]) in taken, -x[1], x[0]))
    return label, count
