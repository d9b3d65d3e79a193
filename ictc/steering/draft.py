"""A result while it is corrected, and what a correction leaves to be asked. Pure values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ictc.outlying import without
from ictc.types import Assignment, Cluster, Failure, Taxonomy

BY_HAND = "person"
"""Who assigned an image that a person moved."""


@dataclass(frozen=True, slots=True)
class Place:
    """Each of these images is to get one of the names."""

    images: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Divide:
    """The images of `cluster` are to be put into several: `into` so many, or those called `names`."""

    cluster: str
    images: tuple[str, ...]
    into: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attract:
    """Images of other clusters may belong to this one, which is new and empty."""

    name: str


Question = Place | Divide | Attract


@dataclass(frozen=True, slots=True)
class Draft:
    """`failures`: of images that a question left without an answer; they have no assignment."""

    taxonomy: Taxonomy
    assignments: Mapping[str, Assignment]
    pinned: tuple[str, ...] = ()
    failures: Mapping[str, Failure] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return self.taxonomy.names

    def members(self, *clusters: str) -> tuple[str, ...]:
        """Images, in their order."""
        wanted = set(clusters)
        return tuple(i for i, a in self.assignments.items() if a.cluster in wanted)

    def cluster(self, name: str) -> Cluster:
        return next(c for c in self.taxonomy.clusters if c.name == name)

    def with_clusters(self, clusters: Sequence[Cluster]) -> Draft:
        """Other clusters; why K was chosen holds no longer where it is another."""
        same = len(clusters) == len(self.taxonomy.clusters)
        taxonomy = replace(self.taxonomy, clusters=list(clusters), choice=self.taxonomy.choice if same else None)
        return replace(self, taxonomy=taxonomy)

    def in_clusters(self, home: Mapping[str, str | None]) -> Draft:
        """The images of some clusters in others; who put them there, and why, stays."""
        found = {
            i: replace(a, cluster=home[a.cluster]) if a.cluster is not None and a.cluster in home else a
            for i, a in self.assignments.items()
        }
        return replace(self, assignments=found)

    def answered(self, answers: Mapping[str, Assignment | Failure]) -> Draft:
        """With the answers for some images; one that failed has no assignment any more."""
        found = dict(self.assignments)
        failed = dict(self.failures)
        for image, answer in answers.items():
            if isinstance(answer, Failure):
                found.pop(image, None)
                failed[image] = answer
            else:
                found[image] = answer
                failed.pop(image, None)
        return replace(self, assignments=found, failures=failed)

    def with_homes(self, labels: Mapping[str, str], into: Sequence[str] = ()) -> Draft:
        """Labels that are in no cluster go where most of their images are; those most of whose images are in one of
        the clusters `into` go there. `labels`: by image."""
        counts: dict[str, Counter[str]] = {}
        for image, a in self.assignments.items():
            if a.cluster is not None and (label := labels.get(image)):
                counts.setdefault(label, Counter())[a.cluster] += 1
        home = {label: c.name for c in self.taxonomy.clusters for label in c.labels}
        order = {name: i for i, name in enumerate(self.names)}
        tally = Counter(labels[i] for i in labels)
        for label, found in counts.items():
            most = min(found, key=lambda name: (-found[name], order[name]))
            if label not in home or most in into:
                home[label] = most
        own = {label: n for c in self.taxonomy.clusters for label, n in c.labels.items()}
        members: dict[str, dict[str, int]] = {name: {} for name in self.names}
        for label, name in home.items():
            members[name][label] = own.get(label, tally[label])
        clusters = [
            replace(c, labels=dict(sorted(members[c.name].items(), key=lambda x: (-x[1], x[0]))))
            for c in self.taxonomy.clusters
        ]
        return replace(self, taxonomy=replace(self.taxonomy, clusters=clusters))

    @property
    def k(self) -> int:
        """Without the cluster of the outliers, which is beside the K names."""
        return without(self.taxonomy).k
