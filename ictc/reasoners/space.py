"""Step 3's geometry: clusters of descriptions that differ by the criterion, and not by what else they speak of.

Two stages, the second only where it is needed. First, spherical k-means on the plain vectors, seeded by the images
whose label is one of the names (the taught ones): where descriptions speak of little but the criterion, their own
clusters are the best there are (CIFAR-10 .9203, against .9115 if the second stage is always entered;
docs/benchmarks.md). If it moves taught images to other names, then descriptions mostly differ by something else
(CIFAR-10 by colour: 63 % are moved; PPMI-7 by clothing: 71 %). Second, therefore, a shrunken linear discriminant
analysis finds the directions that tell the names apart and shortens those along which one name's own images scatter,
and k-means runs there (then 5 % and 6 % are moved).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ictc.interfaces import Vectors
from ictc.reasoners.spherical import BLOCK, Array, Index, k_means, means, unit

KEEP = 0.99  # of the taught images must keep their name, or the plain vectors are not about the criterion
SHRINK = 8.0  # of the scatter matrix towards its mean; 2 to 8 move PPMI-7 by .002
ROUNDS = 30


def discriminant(rows: Vectors, groups: Index, taught: NDArray[np.bool_], k: int) -> tuple[Array, Array]:
    """Project `rows` [n, d] to where the `taught` rows' groups lie apart: unit rows [n, <k] and unit centres [k, <k].

    Every group needs at least one taught row. Sums are in float64; rows are widened a block at a time.
    """
    centres = means(rows, np.where(taught, groups, -1), k)
    scatter = np.zeros((rows.shape[1], rows.shape[1]))
    for block in _blocks(len(rows)):
        spread = rows[block][taught[block]] - centres[groups[block][taught[block]]]
        scatter += spread.T @ spread
    scatter /= np.count_nonzero(taught)
    level = max(float(np.trace(scatter)) / len(scatter), 1e-9)
    values, axes = np.linalg.eigh(scatter + SHRINK * level * np.eye(len(scatter)))
    whiten = axes / np.sqrt(values)
    middle = centres.mean(0)
    _, strength, directions = np.linalg.svd((centres - middle) @ whiten, full_matrices=False)
    view = whiten @ directions[strength > 1e-9 * max(float(strength[0]), 1e-9)].T
    places = np.concatenate([rows[block] @ view for block in _blocks(len(rows))])
    return unit(places - middle @ view), unit((centres - middle) @ view)


def settle(
    rows: Vectors, groups: Index, taught: NDArray[np.bool_], k: int
) -> tuple[NDArray[np.floating], Index, Array]:
    """Clusters of all unit rows from the taught ones: (unit rows [n, d] as clustered, group [n], centres [k, d])."""
    found, centres = k_means(rows, means(rows, np.where(taught, groups, -1), k), ROUNDS)
    if float(np.mean(found[taught] == groups[taught])) >= KEEP:
        return rows, found, centres
    for teachers in (taught, np.ones(len(rows), dtype=bool)):
        places, seeds = discriminant(rows, groups, teachers, k)
        found, centres = k_means(places, seeds, ROUNDS)
        if len(np.unique(found)) < k:
            break
        groups = found
    return places, found, centres


def _blocks(n: int) -> list[slice]:
    return [slice(start, start + BLOCK) for start in range(0, n, BLOCK)]


def softmax(similarity: NDArray[np.floating]) -> Array:
    """[n, k] shares in [0, 1] of the groups in each row.

    The temperature comes from the data: with it, the median image's lead over its second choice is worth odds of e^3
    (.95), so a rarely doubtful set is sure of most and a muddled one doubts its middle.
    """
    if similarity.shape[1] == 1:
        return np.ones(similarity.shape)
    scale = scale_of(similarity)
    odds: Array = np.exp(scale * (similarity - similarity.max(1, keepdims=True)).astype(np.float64))
    odds /= odds.sum(1, keepdims=True)
    return odds


def scale_of(similarity: NDArray[np.floating]) -> float:
    """What similarities [n, k] are multiplied by in `softmax`; 1 where there is nothing to choose from."""
    if similarity.shape[1] < 2 or not len(similarity):
        return 1.0
    ordered = np.sort(similarity, axis=1)
    lead = float(np.median(ordered[:, -1] - ordered[:, -2]))
    return 3.0 / max(lead, 0.05)
