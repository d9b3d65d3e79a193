"""Step 3's geometry: a space in which descriptions differ by the criterion, and the clusters in it.

Description vectors differ by everything a description speaks of. The labels tell which differences the criterion
asks about: a shrunken linear discriminant analysis, taught by the images whose label is one of the names, finds the
directions that tell those names apart and shortens the ones along which one name's own images scatter. Spherical
k-means in that space, seeded by the names, then uses all descriptions together. On descriptions that speak of
little but the criterion this equals name-seeded k-means on the plain vectors (CIFAR-10 .908 against .914, PPMI-7
.956 against .954); where they speak mostly of something else it follows the criterion (CIFAR-10 by colour: 91 % of
the images whose label is a name keep it, against 34 %).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ictc.reasoners.spherical import Array, Index, k_means, means, unit

SHRINK = 4.0  # of the scatter matrix towards its mean: 0.5 to 8 move CIFAR-10 from .903 to .909, PPMI-7 not at all
ROUNDS = 8


def discriminant(rows: Array, groups: Index, taught: NDArray[np.bool_], k: int) -> tuple[Array, Array]:
    """Project `rows` [n, d] to where the `taught` rows' groups lie apart: unit rows [n, <k] and unit centres [k, <k].

    Every group needs at least one taught row.
    """
    teachers, theirs = rows[taught], groups[taught]
    centres = means(teachers, theirs, k)
    spread = teachers - centres[theirs]
    scatter = spread.T @ spread / len(teachers)
    level = max(float(np.trace(scatter)) / len(scatter), 1e-9)
    values, axes = np.linalg.eigh(scatter + SHRINK * level * np.eye(len(scatter)))
    whiten = axes / np.sqrt(values)
    middle = centres.mean(0)
    _, strength, directions = np.linalg.svd((centres - middle) @ whiten, full_matrices=False)
    view = whiten @ directions[strength > 1e-9 * max(float(strength[0]), 1e-9)].T
    return unit(rows @ view - middle @ view), unit((centres - middle) @ view)


def settle(rows: Array, groups: Index, taught: NDArray[np.bool_], k: int) -> tuple[Index, Array]:
    """Clusters of all rows from a few taught ones: (group [n], similarity to every group [n, k])."""
    for teachers in (taught, np.ones(len(rows), dtype=bool)):
        places, centres = discriminant(rows, groups, teachers, k)
        found, centres = k_means(places, centres, ROUNDS)
        if len(np.unique(found)) < k:
            break
        groups = found
    return found, places @ centres.T


def confidence(similarity: Array) -> Array:
    """[n] in [0, 1]: a softmax over the groups at the best group.

    The temperature comes from the data: with it, the median image's lead over its second choice is worth odds of e^3
    (.95), so a rarely doubtful set is sure of most and a muddled one doubts its middle.
    """
    if similarity.shape[1] == 1:
        return np.ones(len(similarity))
    ordered = np.sort(similarity, axis=1)
    lead = float(np.median(ordered[:, -1] - ordered[:, -2]))
    scale = 3.0 / max(lead, 0.05)
    odds: Array = np.exp(scale * (similarity - ordered[:, -1:])).sum(1)
    return 1.0 / odds
