"""Two clusterings of the same images side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ictc.result import UNASSIGNED, Result


@dataclass(frozen=True, slots=True)
class Crosstab:
    """`counts[i][j]`: images in cluster `rows[i]` of the first criterion and `columns[j]` of the second, the largest
    clusters first. `ari` and `nmi` (arithmetic mean) say how far the two are the same question; None for no images."""

    criteria: tuple[str, str]
    rows: list[str]
    columns: list[str]
    counts: list[list[int]]
    ari: float | None
    nmi: float | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def crosstab(first: Result, second: Result) -> Crosstab:
    """Of the images that both results have; unassigned ones are a group of their own."""
    a, b = first.predicted(), second.predicted()
    shared = [image for image in a if image in b]
    left, right = [a[i] or UNASSIGNED for i in shared], [b[i] or UNASSIGNED for i in shared]
    together = list(zip(left, right, strict=True))
    pairs, rows, columns = Counter(together), _order(Counter(left)), _order(Counter(right))
    return Crosstab(
        (first.criterion, second.criterion),
        rows,
        columns,
        [[pairs[r, c] for c in columns] for r in rows],
        *agreement(together),
    )


def agreement(clusters: Sequence[tuple[str | None, str | None]]) -> tuple[float | None, float | None]:
    """(ARI, NMI) of two clusterings, given the two clusters of each image; None for no images."""
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    if not clusters:
        return None, None
    left, right = ([name or UNASSIGNED for name in side] for side in zip(*clusters, strict=True))
    ari, nmi = adjusted_rand_score(left, right), normalized_mutual_info_score(left, right)
    return round(float(ari), 4), round(float(nmi), 4)


def _order(sizes: Counter[str]) -> list[str]:
    return sorted(sizes, key=lambda name: (name == UNASSIGNED, -sizes[name], name))
