"""Two clusterings of the same images side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import comb, log
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
    """(ARI, NMI with the arithmetic mean) of two clusterings, given the two clusters of each image; None for no images.

    As scikit-learn has them, without the second that it takes to load.
    """
    if not clusters:
        return None, None
    together = Counter((a or UNASSIGNED, b or UNASSIGNED) for a, b in clusters)
    first, second = Counter[str](), Counter[str]()
    for (a, b), n in together.items():
        first[a] += n
        second[b] += n
    return round(_ari(together, first, second), 4), round(_nmi(together, first, second), 4)


def _ari(together: Counter[tuple[str, str]], first: Counter[str], second: Counter[str]) -> float:
    """Hubert and Arabie 1985."""
    same, one, other = (sum(comb(n, 2) for n in c.values()) for c in (together, first, second))
    all_ = comb(first.total(), 2)
    expected = one * other / all_ if all_ else 0.0
    most = (one + other) / 2
    return 1.0 if most == expected else (same - expected) / (most - expected)


def _nmi(together: Counter[tuple[str, str]], first: Counter[str], second: Counter[str]) -> float:
    total = first.total()
    if len(first) == len(second) == 1:
        return 1.0
    shared = sum(n / total * log(n * total / (first[a] * second[b])) for (a, b), n in together.items())
    mean = sum(-n / total * log(n / total) for c in (first, second) for n in c.values()) / 2
    return max(0.0, shared) / mean if mean else 0.0


def _order(sizes: Counter[str]) -> list[str]:
    return sorted(sizes, key=lambda name: (name == UNASSIGNED, -sizes[name], name))
