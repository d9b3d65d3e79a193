"""Images unlike all others: what was found of them, and the cluster that they may form beside the K names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from ictc.types import Assignment, Cluster, Taxonomy

Choice = Literal["keep", "unsure", "cluster"]
CHOICES: tuple[Choice, ...] = ("keep", "unsure", "cluster")

NAME = "outliers"
ABOUT = "images unlike all others"
"""Tells their cluster from one that somebody named `outliers`."""

_EXAMPLES = 3
_SAID = "outlier, perhaps "
_TOLD = (_SAID, "outlier: ")


@dataclass(frozen=True, slots=True)
class Outliers:
    """How many `images` of how many are unlike all others, what was done with them, and the most unlike of them.

    `cluster`: the name of theirs, "" where they have none.
    """

    images: int
    of: int
    choice: str
    cluster: str = ""
    examples: Sequence[str] = ()

    @property
    def share(self) -> float:
        return round(self.images / max(1, self.of), 4)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "share": self.share}

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> Outliers:
        """The reverse of `to_json`."""
        return Outliers(**{key: value for key, value in stored.items() if key != "share"})

    def line(self) -> str:
        """For a person: how many, where they are, and what else could be done with them; "" where there are none."""
        if not self.images:
            return ""
        verb, one = ("is", "it") if self.images == 1 else ("are", "them")
        told = f"{self.images} of {self.of} images ({100 * self.images / self.of:.1f} %) {verb} unlike all others"
        told += f", for example {', '.join(self.examples)}. " if self.images > 1 else f": {self.examples[0]}. "
        if self.choice == "unsure":
            return f"{told}No cluster has {one} (--outliers unsure)."
        if self.choice == "cluster":
            return f"{told}The cluster “{self.cluster}” has {one} (--outliers cluster)."
        return f"{told}--outliers unsure leaves {one} out, --outliers cluster makes a cluster of {one}."


def found(images: Sequence[str], of: int, choice: str, cluster: str = "") -> Outliers:
    """The account of these images, the most unlike first."""
    return Outliers(len(images), of, choice, cluster, tuple(images[:_EXAMPLES]))


def outliers_of(reasoner: object) -> Outliers | None:
    """What a reasoner says of its last step 3; None where it did not look for outliers."""
    told = getattr(reasoner, "outliers", None)
    return told if isinstance(told, Outliers) else None


def cluster_of(taxonomy: Taxonomy) -> str | None:
    """The name of the outliers' cluster, where there is one."""
    return next((c.name for c in taxonomy.clusters if c.about == ABOUT and not c.labels), None)


def without(taxonomy: Taxonomy) -> Taxonomy:
    """The K names alone."""
    own = cluster_of(taxonomy)
    rest = [c for c in taxonomy.clusters if c.name != own]
    return replace(taxonomy, clusters=rest) if own is not None and rest else taxonomy


def fitted(taxonomy: Taxonomy, choice: str) -> Taxonomy:
    """The K names, and with the choice `cluster` that of the outliers after them."""
    if (choice == "cluster") == (cluster_of(taxonomy) is not None):
        return taxonomy
    if choice != "cluster":
        return without(taxonomy)
    taken, name = {n.casefold() for n in taxonomy.names}, NAME
    while name.casefold() in taken:
        name = f"other {name}"
    return replace(taxonomy, clusters=[*taxonomy.clusters, Cluster(name, ABOUT)])


def told(assignment: Assignment, cluster: str | None) -> Assignment:
    """The assignment of an outlier, in `cluster` or (None) in none. What it would be else stays in the evidence, and
    who said so in `by`; nobody is sure of a cluster that is defined by what it is not."""
    said = f"{_SAID}{assignment.cluster}: {assignment.evidence}" if assignment.cluster else assignment.evidence
    evidence = said if said.startswith(_TOLD) else f"outlier: {said}"
    return replace(assignment, cluster=cluster, confidence=None, evidence=evidence)


def is_told(assignment: Assignment) -> bool:
    """Whether it was made by `told`."""
    return assignment.evidence.startswith(_TOLD)
