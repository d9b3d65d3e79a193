"""Two clusters by different names for one thing (`boat`, `ship`): found once, with a text model, when a run is made.

Names alone do not tell: of 66 pairs that mean the same and 78 of neighbours that do not, the cosine in
`The image shows a ...` is at least .75 for 82 and 13 % of the pairs, .90 for 24 and 0 %. So the clusters' descriptions
must lie in one place too: between 111 pairs of clusters of recorded runs their centres' cosine was .86 at most (cello
and violin), between halves of one cluster told apart by boat or ship, plane or airplane .89 and .94.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np

from ictc.interfaces import Vectors
from ictc.result import Result

NAMES = 0.78
CENTRES = 0.88
_SAMPLE = 100  # descriptions of each cluster
_FEW = 5  # of fewer the centre says nothing

Embed = Callable[[Sequence[str]], Vectors]
"""Unit rows, one for each text."""


def near_names(names: Sequence[str], embed: Embed) -> list[tuple[str, str]]:
    """Pairs of names that may mean the same."""
    if len(names) < 2:
        return []
    rows = embed([f"The image shows a {name}" for name in names])
    alike = rows @ rows.T
    return [(names[i], names[j]) for i, j in combinations(range(len(names)), 2) if alike[i, j] >= NAMES]


def mean_the_same(result: Result, pairs: Sequence[tuple[str, str]], embed: Embed) -> list[tuple[str, str]]:
    """Those of the `near_names` whose clusters hold descriptions of the same."""
    texts = {d.image: d.text for d in result.descriptions}
    centres = {}
    for name in sorted({name for pair in pairs for name in pair}):
        held = [texts[i] for i in result.clusters.get(name, ()) if i in texts]
        some = held[:: -(-len(held) // _SAMPLE)] if held else []
        if len(some) >= _FEW:
            centre = embed(some).mean(axis=0)
            centres[name] = centre / np.linalg.norm(centre)
    return [(a, b) for a, b in pairs if a in centres and b in centres and centres[a] @ centres[b] >= CENTRES]
