"""A reasoner around a reasoner that merges its K names once more, into broader groups (`--levels 2`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from ictc.errors import ModelGone, StepError, UsageError
from ictc.fingerprint import code_digest
from ictc.interfaces import Reasoner
from ictc.reasoners.wrapping import Wrapped
from ictc.store import content_key
from ictc.types import Cluster, Description, Label, Taxonomy

LEVELS = (1, 2)
FEWEST_NAMES = 4  # of fewer, no two groups of two can be made
FEWEST_GROUPS = 2


class Grouper(Protocol):
    """Step 2b alone, of a reasoner that knows of no names given beforehand. Labels are names here; one with the image
    "" is a name that no image's label belongs to."""

    @property
    def fingerprint(self) -> str: ...

    def merge(
        self, descriptions: Sequence[Description], labels: Sequence[Label], criterion: str, k: int | None
    ) -> Taxonomy: ...


def groups_of(k: int, groups: int = 0) -> int:
    """How many groups k names are merged into: as many as were asked for, else about the root of k."""
    return groups or max(FEWEST_GROUPS, round(k**0.5))


def has_groups(k: int, groups: int = 0) -> bool:
    """Whether k names are enough for them."""
    return k >= FEWEST_NAMES and groups < k


def check_groups(levels: int, groups: int = 0, k: int | None = None) -> None:
    """Raises UsageError for levels, groups or (with groups) a K that cannot be, as far as is known beforehand."""
    if levels not in LEVELS:
        raise UsageError(f"--levels is {levels}.", "Use --levels 1 for K names, or --levels 2 for groups of them too.")
    if levels == 1:
        return
    if groups and groups < FEWEST_GROUPS:
        raise UsageError(f"--groups is {groups}.", f"Ask for --groups {FEWEST_GROUPS} or more, or --levels 1.")
    if k is not None and k < FEWEST_NAMES:
        raise UsageError(
            f"{k} {'name is' if k == 1 else 'names are'} too few for broader groups of them.",
            f"Ask for -k {FEWEST_NAMES} or more, or --levels 1.",
        )
    if k is not None and groups >= k:
        raise UsageError(f"{k} names cannot be merged into {groups} groups.", f"Ask for --groups {k - 1} or fewer.")


class LevelledReasoner(Wrapped):
    """Implements `Reasoner`. Its taxonomy is that of `inner`, each cluster with the `group` that `grouper` found for
    its name. Where there can be no groups, or none are found, the names stand as they are and `remark` says why.

    Args:
        groups: how many; 0 for about the root of K.
        spare: who makes the groups where the grouper's model is gone; without one, that is raised.
    """

    def __init__(self, inner: Reasoner, grouper: Grouper, groups: int = 0, spare: Grouper | None = None) -> None:
        super().__init__(inner)
        self._grouper = grouper
        self._groups = groups
        self._spare = spare

    @property
    def fingerprint(self) -> str:
        return content_key(
            "levelled/1",
            inner=self._inner.fingerprint,
            grouper=self._grouper.fingerprint,
            groups=self._groups,
            code=code_digest("ictc.reasoners.levels"),
        )

    def merge(
        self, descriptions: Sequence[Description], labels: Sequence[Label], criterion: str, k: int | None
    ) -> Taxonomy:
        """The names of `inner`, with groups. Raises as `inner` does for its own names, and nothing for the groups but
        what stops a run (a model that is gone, a limit on money)."""
        found = self._inner.merge(descriptions, labels, criterion, k)
        wanted = groups_of(found.k, self._groups)
        if not has_groups(found.k, self._groups):
            return replace(found, remark=f"There are no groups: {wanted} of {found.k} names would not be broader.")
        names = as_labels(found.clusters, labels)
        remark = ""
        try:
            merged = self._grouper.merge(descriptions, names, criterion, wanted)
        except StepError as e:
            return replace(found, remark=f"There are no groups: {e.message}")
        except ModelGone as e:
            if self._spare is None:
                raise
            merged = self._spare.merge(descriptions, names, criterion, wanted)
            remark = f"The groups are not the model's: {e.message}"
        return replace(grouped(found, merged), remark=remark)


def as_labels(clusters: Sequence[Cluster], labels: Sequence[Label]) -> list[Label]:
    """The name of the cluster that each image's label belongs to, in place of the label."""
    home = {label: c.name for c in clusters for label in c.labels}
    found = [Label(x.image, home[x.label]) for x in labels if x.label in home]
    seen = Counter(x.label for x in found)
    return [*found, *(Label("", c.name) for c in clusters if c.name not in seen)]


def grouped(taxonomy: Taxonomy, groups: Taxonomy) -> Taxonomy:
    """The taxonomy, each cluster with the group that has its name among its labels."""
    home = {name: group.name for group in groups.clusters for name in group.labels}
    return replace(taxonomy, clusters=[replace(c, group=home.get(c.name, "")) for c in taxonomy.clusters])
