"""What a run gives, whichever lane made it. Report, score, export and refine are functions of this alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ictc.outlying import cluster_of, without
from ictc.types import Assignment, Cluster, Description, Failure, Item, Label, Taxonomy

UNASSIGNED = "unassigned"


@dataclass(frozen=True, slots=True)
class Result:
    """All four steps of one revision. Lists are in the order of `items`; a failed item is in `failures` instead."""

    criterion: str
    items: Sequence[Item]
    descriptions: Sequence[Description]
    labels: Sequence[Label]
    taxonomy: Taxonomy
    assignments: Sequence[Assignment]
    failures: Sequence[Failure] = ()
    metadata: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    folder: Path | None = None

    @property
    def k(self) -> int:
        """How many names there are; the cluster of the outliers, which is beside them, does not count."""
        return without(self.taxonomy).k

    @property
    def names(self) -> list[str]:
        return self.taxonomy.names

    @property
    def clusters(self) -> dict[str, list[str]]:
        """Image names per cluster name, the largest cluster first; most confident first."""
        ranked = sorted(self.assignments, key=lambda a: -(1.0 if a.confidence is None else a.confidence))
        members: dict[str, list[str]] = {name: [] for name in self.names}
        for a in ranked:
            if a.cluster is not None:
                members[a.cluster].append(a.image)
        return dict(sorted(members.items(), key=lambda member: -len(member[1])))

    @property
    def groups(self) -> dict[str, list[str]]:
        """Cluster names per broader group, the largest group first, clusters as in `clusters`; those that belong to no
        group come last, under "". Empty where there are no groups."""
        home = {c.name: c.group for c in self.taxonomy.clusters}
        if not any(home.values()):
            return {}
        members, sizes = self.clusters, Counter[str]()
        found: dict[str, list[str]] = {}
        for name, images in members.items():
            found.setdefault(home[name], []).append(name)
            sizes[home[name]] += len(images)
        return dict(sorted(found.items(), key=lambda x: (not x[0], -sizes[x[0]])))

    @property
    def labels_of(self) -> dict[str, dict[str, int]]:
        """The labels of each cluster with how many images have them, the commonest first: those that were merged into
        it; where none was (a part of a split whose labels are another's, a name by hand), those of its images."""
        said = {x.image: x.label for x in self.labels}
        found = {c.name: Counter(c.labels) for c in self.taxonomy.clusters}
        lone = {name for name, labels in found.items() if not labels}
        for a in self.assignments:
            if a.cluster in lone and a.image in said:
                found[a.cluster][said[a.image]] += 1
        return {name: dict(sorted(n.items(), key=lambda x: (-x[1], x[0]))) for name, n in found.items()}

    @property
    def unassigned(self) -> list[str]:
        return [a.image for a in self.assignments if a.cluster is None]

    @property
    def counts(self) -> dict[str, int]:
        """The numbers that are printed, each recomputable from the run's files."""
        names = {i.name for i in self.items}
        failed = {f.image for f in self.failures}
        return {
            "images": len(names | failed),
            "described": len(self.descriptions),
            "labelled": len(self.labels),
            "assigned": len(self.assignments) - len(self.unassigned),
            "unassigned": len(self.unassigned),
            "failed": len(failed),
        }

    def of_groups(self) -> Result:
        """The same with the broader groups as clusters, and those clusters that belong to none.

        Confidences are left out: they are of the clusters, and how sure a group is nobody measured.
        """
        home = {c.name: c.group or c.name for c in self.taxonomy.clusters}
        lone = [c for c in self.taxonomy.clusters if not c.group and c.name not in self.groups]
        clusters = [*(Cluster(name) for name in self.groups if name), *lone]
        assignments = [replace(a, cluster=a.cluster and home[a.cluster], confidence=None) for a in self.assignments]
        return replace(self, taxonomy=replace(self.taxonomy, clusters=clusters), assignments=assignments)

    def without_folder(self) -> Result:
        """The same result, once the folder it was read from is gone."""
        return replace(self, folder=None)

    def predicted(self) -> dict[str, str | None]:
        """Cluster per image; None for unassigned. Failed images are not in it."""
        return {a.image: a.cluster for a in self.assignments}

    def to_json(self) -> dict[str, Any]:
        """The summary that `--json` prints."""
        sizes = Counter(a.cluster for a in self.assignments)
        groups = {c.name: c.group for c in self.taxonomy.clusters if c.group}
        labels = self.labels_of
        choice = self.taxonomy.choice
        return {
            "criterion": self.criterion,
            "k": self.k,
            "k_reason": choice.reason if choice else None,
            **self.counts,
            "clusters": [
                {
                    "name": name,
                    **({"group": groups[name]} if name in groups else {}),
                    "images": sizes[name],
                    "share": round(sizes[name] / max(1, len(self.assignments)), 4),
                    "labels": dict(list(labels[name].items())[:10]),
                    "examples": members[:3],
                }
                for name, members in self.clusters.items()
            ],
            **({"groups": [self._group_json(group, sizes) for group in self.groups if group]} if groups else {}),
        }

    def _group_json(self, group: str, sizes: Mapping[str | None, int]) -> dict[str, Any]:
        clusters = self.groups[group]
        images = sum(sizes[name] for name in clusters)
        share = round(images / max(1, len(self.assignments)), 4)
        return {"name": group, "images": images, "share": share, "clusters": clusters}


def named_alone(result: Result) -> Result:
    """The result without the cluster of the outliers."""
    own = cluster_of(result.taxonomy)
    if own is None:
        return result
    kept = [a for a in result.assignments if a.cluster != own]
    return replace(result, taxonomy=without(result.taxonomy), assignments=kept)
