"""What is odd about a result's clusters, and what to do about it. Judged by labels, names and confidences alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from math import sqrt
from typing import Any, Literal

from ictc.result import Result

SWALLOWED = 0.5  # of all images, where there are three clusters or more: the criterion tells the majority apart no more
ALIKE = 0.5  # cosine of two clusters' label counts: half of what is said of one is said of the other
VAGUE = 0.6  # mean confidence: two in five would as well be elsewhere
FEW = 5  # images: of fewer, a mean says nothing
_LEAST_SWALLOWING = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One oddity. `kind`: `swallows` (one cluster holds most), `alike` (two say the same), `vague` (few images are
    sure), `empty` (a name without an image)."""

    kind: Literal["swallows", "alike", "vague", "empty"]
    clusters: tuple[str, ...]
    message: str
    suggestion: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def line(self) -> str:
        """For a person."""
        return f"{self.message} {self.suggestion}"


def diagnose(result: Result) -> list[Finding]:
    """The oddities of a result, the gravest kind first; mostly none."""
    sizes = Counter(a.cluster for a in result.assignments if a.cluster is not None)
    return [*_swallowing(result, sizes), *_alike(result), *_vague(result), *_empty(result, sizes)]


def _swallowing(result: Result, sizes: Mapping[str, int]) -> list[Finding]:
    total = sum(sizes.values())
    if result.k < _LEAST_SWALLOWING or total < FEW:
        return []
    return [
        Finding(
            "swallows",
            (name,),
            f"The cluster “{name}” holds {100 * n / total:.0f} % of the images.",
            f"Ask for more clusters (-k {result.k + 2}), or say in the criterion what tells these images apart.",
        )
        for name, n in sizes.items()
        if n > SWALLOWED * total
    ]


def _alike(result: Result) -> list[Finding]:
    labels = {x.image: x.label.casefold() for x in result.labels}
    said: dict[str, Counter[str]] = {name: Counter() for name in result.names}
    for a in result.assignments:
        if a.cluster is not None and a.image in labels:
            said[a.cluster][labels[a.image]] += 1
    return [
        Finding(
            "alike",
            (a, b),
            f"The clusters “{a}” and “{b}” are alike: {shared} of their images have labels that both hold.",
            f"Ask for fewer clusters (-k {result.k - 1}), or say in the criterion what tells the two apart.",
        )
        for a, b in combinations(result.names, 2)
        if result.k > 1 and (shared := _shared(said[a], said[b])) >= FEW and _cosine(said[a], said[b]) >= ALIKE
    ]


def _vague(result: Result) -> list[Finding]:
    sure: dict[str, list[float]] = {name: [] for name in result.names}
    for a in result.assignments:
        if a.cluster is not None and a.confidence is not None:
            sure[a.cluster].append(a.confidence)
    return [
        Finding(
            "vague",
            (name,),
            f"The cluster “{name}” is vague: its images are {sum(found) / len(found):.2f} sure on average.",
            "Another -k may split it; --min-confidence 0.5 leaves out what is not sure.",
        )
        for name, found in sure.items()
        if len(found) >= FEW and sum(found) < VAGUE * len(found)
    ]


def _empty(result: Result, sizes: Mapping[str, int]) -> list[Finding]:
    return [
        Finding("empty", (name,), f"No image is in the cluster “{name}”.", "Ask for fewer clusters.")
        for name in result.names
        if not sizes.get(name)
    ]


def _shared(a: Counter[str], b: Counter[str]) -> int:
    return sum(a[label] + b[label] for label in a.keys() & b.keys())


def _cosine(a: Counter[str], b: Counter[str]) -> float:
    lengths = sqrt(sum(n * n for n in a.values()) * sum(n * n for n in b.values()))
    return sum(a[label] * b[label] for label in a.keys() & b.keys()) / lengths if lengths else 0.0
