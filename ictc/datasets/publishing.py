"""Whether what was read is as much as the publisher has: a half-unpacked folder, or another set, is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ictc.datasets.recipe import Dataset, Sample

_NAMED = 3


def unlike(dataset: Dataset, split: str, samples: Sequence[Sample]) -> str:
    """What is not as published: the number of images of the split, and of the classes of its criteria; "" where all
    is. What nobody states (0) is not compared."""
    said = []
    published = dataset.splits[split]
    if published and len(samples) != published:
        said.append(f"{len(samples):,} images, published are {published:,}")
    for criterion in dataset.criteria:
        classes = {s.classes.get(criterion.name, "") for s in samples} - {""}
        if criterion.classes and len(classes) != criterion.classes:
            said.append(f"{len(classes):,} classes by {criterion.name}, published are {criterion.classes:,}")
    if said and samples:
        first = dataset.criteria[0].name
        ordered = Counter(s.classes.get(first, "") or "(none)" for s in samples).most_common()
        fewest = ", ".join(f"{name} ({number:,})" for name, number in ordered[::-1][:_NAMED])
        said.append(f"fewest are of {fewest}, most of {ordered[0][0]} ({ordered[0][1]:,})")
    return "; ".join(said)
