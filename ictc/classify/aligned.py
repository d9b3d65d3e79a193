"""Alignment of clusters and prompts, as published with the fused embeddings. The run's fused vectors are clustered
(spectral clustering on nearest neighbours, two clusters for each class), each cluster is labelled by the class that
most of its images truly have, and a new image is fused with every prompt in turn: it gets the class of that prompt
whose fused vector lies nearest to a centre of a cluster labelled with the same class. Supervised by the truth of the
run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ictc.classify.classifier import ALIGNED, SUPERVISED, Classifier, best_of, closeness, sharpness, spread_of
from ictc.errors import InputError, UsageError
from ictc.interfaces import Vectors
from ictc.lane.clusterers import PARTED, cluster, quiet
from ictc.lane.pairing import shares
from ictc.lane.place import Placed
from ictc.lane.rows import distinct
from ictc.reasoners.spherical import Array, Index, means

EACH = 2
"""Clusters a class, as published: a class may lie in more than one place."""
CLUSTERER = "spectral"


def fit(
    base: Classifier,
    placed: Placed,
    images: Sequence[str],
    truth: Mapping[str, str],
    seed: int,
    tell: Callable[[str], None] = quiet,
) -> Classifier:
    """`truth`: classes of `images` [n], those of the prompts; some may have none.

    Raises:
        InputError: no cluster has an image with a class. UsageError: too many images for this clusterer.
    """
    assert placed.texts is not None
    shown = np.ones(len(images), dtype=bool) if placed.test is None else ~placed.test
    rows = placed.rows[shown]
    names = [name for name, there in zip(images, shown.tolist(), strict=True) if there]
    classes = tuple(dict.fromkeys(placed.names))
    most = EACH * len(classes)
    try:
        found = cluster(rows, CLUSTERER, distinct(rows, most), {}, seed, names=names, tell=tell)
    except UsageError as error:
        raise UsageError(error.message, "Without such clusters: --method zero-shot, or --method nearest") from error
    count = len(found.centres)
    labels = majority(found.groups.tolist(), [truth.get(name) for name in names], count)
    if not (held := [g for g, label in enumerate(labels) if label is not None]):
        raise InputError("None of the clusters has an image whose class is known.", "Give a --train-truth of the run.")
    owners = tuple(classes.index(label) for label in labels if label is not None)
    said = [note for note in found.notes if note != PARTED]  # prompts part them, and there is no --param here
    made = replace(
        base,
        method=ALIGNED,
        classes=classes,
        texts=placed.texts,
        of=tuple(map(classes.index, placed.names)),
        view=placed.view,
        centres=means(rows, found.groups, count)[held].astype(np.float32),
        owners=owners,
        notes=(*base.notes, *said, *_notes(classes, owners, sum(name in truth for name in names))),
    )
    near = alike(made, placed.images[shown])
    known = np.asarray([classes.index(truth[name]) if name in truth else -1 for name in names])
    return replace(made, scale=calibrated(near, known, sharpness(near, spread_of(rows))))


def calibrated(near: Array, known: Index, start: float) -> float:
    """The scale, `start` times a power of two (by halves) from 1/16 to 4, under which the true classes `known` [n] (-1:
    not known) are likeliest: temperature scaling (Guo et al. 2017). Each image helped to make its own cluster, so it
    stays a little too sure. Images of a class that no cluster has say nothing."""
    told = np.flatnonzero((known >= 0) & np.isfinite(near[np.arange(len(near)), known]))

    def likelihood(scale: float) -> float:
        return float(np.log(np.maximum(shares(near[told], scale)[np.arange(len(told)), known[told]], 1e-12)).sum())

    return max((start * 2 ** (i / 2) for i in range(-8, 5)), key=likelihood)


def majority(groups: Sequence[int], truth: Sequence[str | None], count: int) -> list[str | None]:
    """For each of `count` groups the class that most of its images have, the first by name of equals; None: no image
    has one."""
    tally: list[Counter[str]] = [Counter() for _ in range(count)]
    for group, name in zip(groups, truth, strict=True):
        if group >= 0 and name is not None:
            tally[group][name] += 1
    return [min(t, key=lambda name: (-t[name], name)) if t else None for t in tally]


def alike(made: Classifier, images: Vectors) -> Array:
    """[n, k] for each class the nearest that an image, fused with its prompt, comes to a cluster of that class."""
    assert made.texts is not None and made.centres is not None
    k, owners = len(made.classes), np.asarray(made.owners)
    found = np.full((len(images), len(made.of)), -np.inf)
    for column, (text, owner) in enumerate(zip(made.texts, made.of, strict=True)):
        centres = made.centres[owners == owner]
        if len(centres):
            rows = made.seen(images, np.broadcast_to(text, images.shape))
            found[:, column] = closeness(rows, centres).max(1)
    return best_of(found, made.of, k)


def _notes(classes: Sequence[str], owners: Sequence[int], known: int) -> list[str]:
    notes = [f"{SUPERVISED} clusters were labelled by the true classes of {known} of the run's images."]
    if without := [name for i, name in enumerate(classes) if i not in owners]:
        notes.append(f"No cluster is mostly of {', '.join(without)}: no image can be classified so.")
    return notes
