"""Images put into clusters without a model: by the nearest centre, or by the nearest name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ictc.backends import Backends
from ictc.interfaces import Vectors
from ictc.prompts import load
from ictc.reasoners.assign import NAME_PROMPT
from ictc.reasoners.embedding import BY
from ictc.reasoners.space import softmax
from ictc.reasoners.spherical import likeness, means
from ictc.reasoners.unsure import checked
from ictc.types import Assignment, Cluster, Description, Failure


def to_centres(
    asked: Sequence[Description],
    held: Sequence[tuple[Description, str]],
    clusters: Sequence[Cluster],
    criterion: str,
    backends: Backends,
) -> list[Assignment | Failure]:
    """Each image in the cluster whose images lie nearest on average (the nearest centre; Rocchio 1971), in the vectors
    that were measured, else of the descriptions. `held`: images with the cluster of each. Where no cluster has any,
    by names."""
    wanted = [c.name for c in clusters]
    there = [(d, name) for d, name in held if name in wanted]
    names = [name for name in wanted if name in {n for _, n in there}]
    if not names:
        return to_names(asked, clusters, backends)
    rows = _vectors([*asked, *(d for d, _ in there)], criterion, backends)
    place = {name: i for i, name in enumerate(names)}
    groups = np.asarray([place[name] for _, name in there], dtype=np.intp)
    centres = means(rows[len(asked) :], groups, len(names))
    return _assigned(asked, likeness(rows[: len(asked)], centres), names, backends)


def to_names(
    asked: Sequence[Description], clusters: Sequence[Cluster], backends: Backends
) -> list[Assignment | Failure]:
    """Each image in the cluster whose name is nearest to what it shows. Raises as `nearness`."""
    return _assigned(asked, nearness(asked, clusters, backends), [c.name for c in clusters], backends)


def nearness(descriptions: Sequence[Description], clusters: Sequence[Cluster], backends: Backends) -> Vectors:
    """[n, k] cosine of each image, or of its description, and the sentence that a cluster's name makes.

    Raises:
        UsageError: a run of the embedding lane whose embedder knows no words.
    """
    prompt = load(NAME_PROMPT)
    told = [f"{prompt.replace('{name}', c.name).strip()} {c.about}".strip() for c in clusters]
    if backends.means.lane:
        placer = backends.placer()
        rows, names = placer.images(descriptions), placer.embedder.embed_texts(told)
    else:
        embed = backends.embedder().embed_texts
        rows, names = embed([d.text for d in descriptions]), embed(told)
    near: Vectors = rows @ names.T
    return near


def name_of(backends: Backends) -> str:
    """Who says so, as results show it."""
    lane = backends.means.lane
    return f"embedding:{lane.embedder}" if lane else BY


def with_evidence(found: Assignment | Failure, labels: Mapping[str, str]) -> Assignment | Failure:
    """With the image's label as evidence, where there is none."""
    if isinstance(found, Failure) or found.evidence:
        return found
    label = labels.get(found.image, "")
    return Assignment(found.image, found.cluster, found.confidence, found.by, label)


def _assigned(
    asked: Sequence[Description], near: Vectors, names: Sequence[str], backends: Backends
) -> list[Assignment | Failure]:
    by, least = name_of(backends), backends.means.wording.min_confidence
    return [
        checked(Assignment(d.image, names[int(row.argmax())], round(float(row.max()), 4), by), least)
        for d, row in zip(asked, softmax(near), strict=True)
    ]


def _vectors(descriptions: Sequence[Description], criterion: str, backends: Backends) -> Vectors:
    """Unit rows [n, d]: what was measured of the images, else their embedded descriptions."""
    evidence = backends.evidence()
    measured = evidence.evidence(descriptions, criterion) if evidence else None
    return backends.embedder().embed_texts([d.text for d in descriptions]) if measured is None else measured
