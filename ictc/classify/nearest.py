"""The nearest of a run's own clusters: the centre, the mean of its images' vectors, that a new image lies nearest to.
That is the rule by which k-means itself assigns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ictc.classify.classifier import NEAREST, Classifier, best_of, closeness, sharpness, spread_of
from ictc.interfaces import Vectors
from ictc.lane.place import Placed
from ictc.reasoners.spherical import Array, means


def fit(base: Classifier, placed: Placed, clusters: Sequence[str | None], names: Sequence[str]) -> Classifier:
    """`clusters` [n]: of each image, None for none; `names`: those that count. Images whose truth the pairing `label`
    did not show (`placed.test`) form no centre, and clusters without images are no classes."""
    shown = np.ones(len(placed.rows), dtype=bool) if placed.test is None else ~placed.test
    there = {c for c, known in zip(clusters, shown.tolist(), strict=True) if known}
    classes = tuple(name for name in names if name in there)
    place = {name: i for i, name in enumerate(classes)}
    found = [place.get(c, -1) if c is not None else -1 for c in clusters]
    groups = np.where(shown, np.asarray(found, dtype=np.intp), -1)
    centres = means(placed.rows, groups, len(classes)).astype(np.float32)
    made = replace(base, method=NEAREST, classes=classes, view=placed.view, centres=centres)
    made = replace(made, owners=tuple(range(len(classes))))
    rows = placed.rows[groups >= 0]
    return replace(made, scale=sharpness(closeness(rows, centres), spread_of(rows)))


def alike(made: Classifier, images: Vectors) -> Array:
    """[n, k] minus half the squared distance to each centre."""
    assert made.centres is not None
    return best_of(closeness(made.seen(images), made.centres), made.owners, len(made.classes))
