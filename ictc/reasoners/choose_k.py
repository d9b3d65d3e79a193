"""`-k auto`: how many clusters the images fall into under this criterion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ictc.interfaces import Vectors
from ictc.reasoners.labels import Embed
from ictc.reasoners.merge import label_vectors, weigh
from ictc.reasoners.spherical import Index, k_means, likeness, means, nested_medoids, plus_plus, unit
from ictc.reasoners.words import same_word_key
from ictc.types import KChoice

MAX_K = 20
SAMPLE = 1500  # descriptions that are looked at: the silhouette needs all their distances
LABEL = 0.5  # weight of label vectors beside descriptions (1); 0.2 and 1 were worse on 15 sets with known K
CLOSE = 0.95  # of the best silhouette: the fewest groups that come so near are taken
RESAMPLINGS = 10
FEW = 20  # images: of fewer, resamplings say nothing
STABLE = 0.7  # mean ARI from which on groups count as the same
_TRIES = 3
METHOD = "mean silhouette (cosine) of descriptions and labels in k groups"


def choose_k(
    texts: Sequence[str],
    labels: Sequence[str],
    relevance: Mapping[str, float],
    embed: Embed,
    evidence: Vectors | None = None,
) -> KChoice:
    """The fewest groups, of 1 to 20, that are as well apart as any other number of groups, within 5 %.

    The best silhouette alone overestimates: every wording that several descriptions share is a tight little group. On
    sets with known K it gave 10 for CIFAR-10, 7 for PPMI-7.
    """
    order = sorted(range(len(texts)), key=lambda i: (texts[i], i))
    picked = order[:: max(1, -(-len(order) // SAMPLE))]
    sample = [labels[i] for i in picked]
    weight = weigh(sample, relevance)
    keys = sorted(weight, key=lambda x: (-weight[x], x))
    if len(keys) == 1:
        return KChoice(1, METHOD, "all images have the same label")
    measured = None if evidence is None else evidence[picked]
    parts = [_centred(embed([texts[i] for i in picked])), LABEL * _centred(embed(sample))]
    if measured is not None:
        parts.append(_centred(measured))
    rows = unit(np.hstack(parts))
    apart = 1 - rows @ rows.T
    vectors = label_vectors(keys, keys, sample, embed, measured)
    weights = np.asarray([weight[key] for key in keys])
    place = {key: i for i, key in enumerate(keys)}
    own = np.asarray([place[same_word_key(label)] for label in sample])
    curve = []
    found: dict[int, Index] = {}
    most = min(MAX_K, len(keys), len(picked) - 1)
    alike = vectors @ vectors[nested_medoids(vectors, weights, most)].T
    for k in range(2, most + 1):
        groups = alike[:, :k].argmax(1)[own]
        groups, _ = k_means(rows, means(rows, groups, k), rounds=20)
        found[k] = groups
        curve.append((k, round(silhouette(apart, groups), 4)))
    if not curve:
        return KChoice(len(keys), METHOD, "every image has a label of its own")
    return fewest(METHOD, rows, curve, found)


def fewest(
    method: str, rows: NDArray[np.floating], curve: Sequence[tuple[int, float]], found: Mapping[int, Index]
) -> KChoice:
    """Of the (k, silhouette) tried, the fewest groups that are nearly as well apart as any, and whether they last."""
    best = max(score for _, score in curve)
    k, score = next(point for point in curve if point[1] >= CLOSE * best or point[1] == best)
    again = stability(rows, found[k], k)
    alike = "much the same" if again >= STABLE else "other"
    told = f"{RESAMPLINGS} resamplings of four fifths of them give {alike} groups"
    sure = f"{told} (ARI {again:.2f})" if len(rows) >= FEW else "too few images to say how stable these are"
    reason = f"{k} is the fewest groups nearly as well apart as any ({score:.2f} of {best:.2f}); {sure}"
    return KChoice(k, method, reason, curve)


def stability(rows: NDArray[np.floating], groups: Index, k: int) -> float:
    """Mean ARI between `groups` and those that k-means finds by itself in random four fifths of the rows, from fresh
    k-means++ draws (Ben-Hur et al., "A stability based method for discovering structure in clustered data", 2002)."""
    from sklearn.metrics import adjusted_rand_score

    draw = np.random.default_rng(0)
    scores = []
    for _ in range(RESAMPLINGS):
        part = np.sort(draw.permutation(len(rows))[: max(k, len(rows) * 4 // 5)])
        some = rows[part]
        tries = [k_means(some, some[plus_plus(some, k, draw)].astype(np.float64), rounds=20) for _ in range(_TRIES)]
        best = max(tries, key=lambda run: float((likeness(some, run[1]).max(1)).sum()))[0]
        scores.append(float(adjusted_rand_score(groups[part], best)))
    return float(np.mean(scores))


def silhouette(apart: NDArray[np.floating], groups: Index) -> float:
    """Mean silhouette from a matrix of distances; a group of one counts 0, a single group gives 0."""
    present = np.unique(groups)
    if len(present) < 2:
        return 0.0
    member = groups[:, None] == present[None, :]
    size = member.sum(0)
    total = apart @ member.astype(np.float64)
    own_size = size[member.argmax(1)]
    inside = total[member] / np.maximum(own_size - 1, 1)
    outside = np.where(member, np.inf, total / size).min(1)
    score = (outside - inside) / np.maximum(np.maximum(inside, outside), 1e-12)
    return float(np.where(own_size > 1, score, 0.0).mean())


def _centred(rows: Vectors) -> Vectors:
    return unit(rows - rows.mean(0))
