"""Why an image is where it is: everything that a run knows of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ictc.reasoners.embedding import BY
from ictc.result import UNASSIGNED, Result
from ictc.steering.corrections import Add, Merge, Move, Pin, Rename, Split, from_row, in_short
from ictc.steering.draft import BY_HAND
from ictc.steering.finding import images_named
from ictc.types import Assignment


@dataclass(frozen=True, slots=True)
class Why:
    """`by` says who assigned it, `failed` why it was not; `led` how its label goes with its cluster; `about` what else
    belongs to that; `corrections` are those of its cluster or of itself, as options, the latest last."""

    image: str
    path: str | None
    cluster: str | None
    confidence: float | None
    by: str
    evidence: str
    label: str
    label_by: str
    description: str
    described_by: str
    about: str = ""
    led: str = ""
    failed: str = ""
    corrections: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> list[tuple[str, str]]:
        """(what, text) for a person; what is not known is left out."""
        sure = "" if self.confidence is None else f" ({self.confidence:.2f} sure)"
        told = [
            ("image", self.image),
            ("cluster", f"{self.cluster or UNASSIGNED}{sure}"),
            ("about", self.about),
            ("assigned by", self.by),
            ("because", "" if self.evidence == self.label else self.evidence),
            ("label", f"{self.label} (by {self.label_by})" if self.label_by else self.label),
            ("", self.led),
            ("description", self.description),
            ("described by", self.described_by),
            ("failed", self.failed),
            *(("corrected", c) for c in self.corrections),
            ("file", self.path or ""),
        ]
        return [(what, text) for what, text in told if text]


def why(text: str, result: Result, rows: Sequence[Mapping[str, Any]] = ()) -> list[Why]:
    """Of the image that is meant (of several, where a pattern is). `rows`: of corrections.jsonl.

    Raises:
        UsageError: there is none; the nearest names are told.
    """
    items = {i.name: i for i in result.items}
    failures = {f.image: f for f in result.failures}
    names = list(dict.fromkeys([*items, *failures]))
    assigned = {a.image: a for a in result.assignments}
    labels = {x.image: x for x in result.labels}
    descriptions = {d.image: d for d in result.descriptions}
    about = {c.name: c.about for c in result.taxonomy.clusters}
    home = {x: c.name for c in result.taxonomy.clusters for x in c.labels}
    found = []
    for image in images_named(text, names):
        a, label, d = assigned.get(image), labels.get(image), descriptions.get(image)
        f = failures.get(image)
        item = items.get(image)
        found.append(
            Why(
                image,
                str(item.path) if item and item.path else None,
                a.cluster if a else None,
                a.confidence if a else None,
                a.by if a else "",
                a.evidence if a else "",
                label.label if label else "",
                label.by if label else "",
                d.text if d else "",
                d.model if d else "",
                about.get(a.cluster or "", "") if a else "",
                _led(label.label, a, home) if label and a else "",
                f"{f.stage}: {f.message} ({f.code})" if f else "",
                _concerning(image, a.cluster if a else None, rows),
            )
        )
    return found


def _led(label: str, a: Assignment, home: Mapping[str, str]) -> str:
    """How the label goes with the cluster: labels make the names, and who assigns need not go by the label."""
    there = home.get(label)
    if a.cluster is None or a.by == BY_HAND:
        return ""
    if there == a.cluster:
        return f"“{label}” is one of the labels that make “{there}”"
    belongs = f"“{label}” is one of the labels that make “{there}”" if there else f"“{label}” made no cluster"
    if a.by.startswith((BY, "embedding:")):
        return f"{belongs}; but all that is known of the image, together, lies nearest to “{a.cluster}”"
    return f"{belongs}; but asked about the whole description, {a.by or 'the model'} said “{a.cluster}”"


def _concerning(image: str, cluster: str | None, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The corrections that moved the image, or that made its cluster what it is."""
    told = []
    for row in rows:
        change = from_row(row)
        if isinstance(change, Move):
            concerns, change = image in change.images, Move((image,), change.cluster)
        elif isinstance(change, Rename | Merge | Add):
            concerns = change.name == cluster
        elif isinstance(change, Split):
            concerns = cluster in change.names
        else:
            concerns = isinstance(change, Pin) and change.cluster == cluster
        if concerns:
            lapsed = f", lapsed in {row['lapsed']}" if "lapsed" in row else ""
            told.append(f"{in_short(change)} (revision {row.get('revision', '?')}{lapsed})")
    return told
