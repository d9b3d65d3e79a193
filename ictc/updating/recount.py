"""The taxonomy of a run with the labels of other images: the same names, groups and order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ictc.types import Label, Taxonomy


def recounted(taxonomy: Taxonomy, labels: Sequence[Label], clusters: Mapping[str, str | None]) -> Taxonomy:
    """Every label counts where it belonged before; one that is new belongs where most of its images are (`clusters` by
    image). A label that no image has any more is left out, unless its cluster would have none."""
    home = {label: c.name for c in taxonomy.clusters for label in c.labels}
    votes: dict[str, Counter[str]] = {}
    for x in labels:
        cluster = clusters.get(x.image)
        if x.label not in home and cluster is not None:
            votes.setdefault(x.label, Counter())[cluster] += 1
    order = {name: i for i, name in enumerate(taxonomy.names)}
    home |= {label: min(n.items(), key=lambda v: (-v[1], order[v[0]]))[0] for label, n in votes.items()}
    counts: dict[str, Counter[str]] = {name: Counter() for name in taxonomy.names}
    for x in labels:
        if x.label in home:
            counts[home[x.label]][x.label] += 1
    found = [
        replace(c, labels=dict(sorted(n.items(), key=lambda v: (-v[1], v[0]))) if (n := counts[c.name]) else c.labels)
        for c in taxonomy.clusters
    ]
    return replace(taxonomy, clusters=found)
