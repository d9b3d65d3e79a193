"""`-k auto`: how many clusters the images fall into under this criterion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ictc.interfaces import Vectors
from ictc.reasoners.labels import Embed
from ictc.reasoners.merge import count_labels, label_vectors
from ictc.reasoners.spherical import Array, medoids, unit
from ictc.reasoners.words import same_word_key
from ictc.types import KChoice

MAX_K = 20
SAMPLE = 1500
METHOD = "mean silhouette (cosine) of the labelled descriptions, grouped by the k names that stand for all labels best"


def choose_k(texts: Sequence[str], labels: Sequence[str], embed: Embed, evidence: Vectors | None = None) -> KChoice:
    """The k in 2..20 with the best silhouette; 1 when all labels are one."""
    keys = sorted(count_labels(labels))
    if len(keys) == 1:
        return KChoice(1, METHOD, "All images have the same label.")
    step = max(1, len(texts) // SAMPLE)
    picked = sorted(range(len(texts)), key=lambda i: (texts[i], i))[::step]
    sample = [same_word_key(labels[i]) for i in picked]
    rows = [unit(_less_mean(embed([texts[i] for i in picked]))), unit(embed(sample))]
    if evidence is not None:
        rows.append(unit(_less_mean(evidence[picked])))
    apart = 1 - unit(np.hstack(rows)) @ unit(np.hstack(rows)).T
    present = sorted(set(sample))
    vectors = label_vectors(present, present, sample, embed, None if evidence is None else evidence[picked])
    weights = np.asarray([sample.count(key) for key in present], dtype=np.float64)
    curve = []
    for k in range(2, min(MAX_K, len(present)) + 1):
        chosen = medoids(vectors, weights, k)
        home = dict(zip(present, (vectors @ vectors[chosen].T).argmax(1).tolist(), strict=True))
        curve.append((k, round(_silhouette(apart, np.asarray([home[key] for key in sample])), 4)))
    if not curve:
        return KChoice(1, METHOD, "All images have the same label.")
    best = max(curve, key=lambda point: (point[1], -point[0]))
    return KChoice(best[0], METHOD, f"{best[0]} groups are best apart (silhouette {best[1]:.2f}).", tuple(curve))


def _less_mean(rows: Vectors) -> Vectors:
    return np.asarray(rows - rows.mean(0), dtype=np.float32)


def _silhouette(apart: Array, groups: np.ndarray) -> float:
    present = np.unique(groups)
    if len(present) < 2:
        return 0.0
    member = (groups[:, None] == present[None, :]).astype(np.float64)
    size = member.sum(0)
    total = apart @ member
    own = member.astype(bool)
    inside = total[own] / np.maximum((member @ size) - 1, 1)
    outside = np.where(own, np.inf, total / size).min(1)
    score = np.where(member @ size > 1, (outside - inside) / np.maximum(np.maximum(inside, outside), 1e-12), 0.0)
    return float(score.mean())
