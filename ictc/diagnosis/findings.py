"""The findings: judged by labels, names, sizes and confidences, so that showing them computes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from math import sqrt
from typing import Any, Literal

from ictc.diagnosis.wording import Wording, is_within, same_words, says_nothing, worded
from ictc.result import Result
from ictc.text import command_line, quoted

SWALLOWED = 0.5  # of all images, where there are three clusters or more: the criterion tells the majority apart no more
ALIKE = 0.5  # cosine of two clusters' label counts: half of what is said of one is said of the other
VAGUE = 0.6  # mean confidence: two in five would as well be elsewhere
FEW = 5  # images: of fewer, a mean says nothing
_LEAST_SWALLOWING = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One oddity. `kind`: `swallows` (one cluster holds most), `alike` (two say the same), `vague` (few images are
    sure, or the name says nothing), `empty` (a name without an image)."""

    kind: Literal["swallows", "alike", "vague", "empty"]
    clusters: tuple[str, ...]
    message: str
    suggestion: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def line(self) -> str:
        """For a person."""
        return f"{self.message} {self.suggestion}"


def diagnose(
    result: Result,
    same: Sequence[Sequence[str]] = (),
    *,
    by_hand: bool = False,
    pinned: Collection[str] = (),
    foreign: Collection[str] = (),
    run: str = "RUN",
) -> list[Finding]:
    """The oddities of a result, the gravest kind first; mostly none. `same`: pairs of names that mean the same.

    `by_hand`: a person gave or corrected the names; then another K, which would make them anew, is no advice, but
    corrections of `run` are. `pinned`: clusters that are to be unpinned first. `foreign`: those of another criterion,
    which are never like the others.
    """
    sizes = Counter(a.cluster for a in result.assignments if a.cluster is not None)
    words = worded(result.names, result.criterion)
    found = [
        *_swallowing(result, sizes),
        *_alike(result, sizes, words, same),
        *_vague(result, sizes, words),
        *_empty(result, sizes),
    ]
    apart = [f for f in found if f.kind != "alike" or len(set(f.clusters) & set(foreign)) != 1]
    return [replace(f, suggestion=_by_hand(f, pinned, run)) for f in apart] if by_hand else apart


def _by_hand(found: Finding, pinned: Collection[str], run: str) -> str:
    first = quoted(found.clusters[0])
    free = ["--unpin", first] if found.clusters[0] in pinned else []
    split, drop = (command_line("refine", run, *free, option, first) for option in ("--split", "--drop"))
    merge = command_line("refine", run, "--merge", "+".join(map(quoted, found.clusters)))
    advice = {
        "swallows": f"Split it: {split}",
        "alike": f"Put them together: {merge}",
        "vague": f"Split it: {split}; or let its images go to the others: {drop}",
        "empty": f"Drop it: {drop}",
    }
    return advice[found.kind]


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


def _alike(
    result: Result, sizes: Mapping[str, int], words: Mapping[str, Wording], same: Sequence[Sequence[str]]
) -> list[Finding]:
    """A pair is told once, for the first reason there is. Empty clusters are told as such."""
    said, meant = _said(result), {frozenset(pair) for pair in same}
    return [
        Finding(
            "alike",
            (a, b),
            why,
            f"Ask for fewer clusters (-k {result.k - 1}), give names of your own (--names FILE), "
            "or say in the criterion what tells the two apart.",
        )
        for a, b in combinations((n for n in result.names if sizes.get(n)), 2)
        if (why := _why_alike(a, b, words, said, frozenset((a, b)) in meant))
    ]


def _why_alike(a: str, b: str, words: Mapping[str, Wording], said: Mapping[str, Counter[str]], meant: bool) -> str:
    """ "" where they are not."""
    both = f"The clusters “{a}” and “{b}” are alike:"
    shared = _shared(said[a], said[b])
    if shared >= FEW and _cosine(said[a], said[b]) >= ALIKE:
        return f"{both} {shared} of their images have labels that both hold."
    if same_words(words[a], words[b]):
        return f"{both} their names are the same words."
    for fine, broad in ((a, b), (b, a)):
        if is_within(words[fine], words[broad]):
            return f"{both} by its name, every “{fine}” belongs to “{broad}” too."
    return f"{both} their names and their descriptions mean nearly the same." if meant else ""


def _said(result: Result) -> dict[str, Counter[str]]:
    """The labels of each cluster's images."""
    labels = {x.image: x.label.casefold() for x in result.labels}
    said: dict[str, Counter[str]] = {name: Counter() for name in result.names}
    for a in result.assignments:
        if a.cluster is not None and a.image in labels:
            said[a.cluster][labels[a.image]] += 1
    return said


def _vague(result: Result, sizes: Mapping[str, int], words: Mapping[str, Wording]) -> list[Finding]:
    sure: dict[str, list[float]] = {name: [] for name in result.names}
    for a in result.assignments:
        if a.cluster is not None and a.confidence is not None:
            sure[a.cluster].append(a.confidence)
    doubtful = [
        Finding(
            "vague",
            (name,),
            f"The cluster “{name}” is vague: its images are {sum(found) / len(found):.2f} sure on average.",
            f"More clusters (-k {result.k + 2}) may split it; --min-confidence 0.5 leaves out what is not sure.",
        )
        for name, found in sure.items()
        if len(found) >= FEW and sum(found) < VAGUE * len(found)
    ]
    told = {name for f in doubtful for name in f.clusters}
    return doubtful + [
        Finding(
            "vague",
            (name,),
            f"The name “{name}” says nothing about its {sizes[name]} images.",
            f"More clusters (-k {result.k + 2}) may split it; or reword the criterion (-c) so that it has an answer "
            "for them too.",
        )
        for name in result.names
        if sizes.get(name) and name not in told and says_nothing(words[name])
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
