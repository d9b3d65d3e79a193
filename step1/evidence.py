"""Vectors for a criterion from what was seen: they join the texts when images are assigned to clusters."""

from __future__ import annotations

from ictc.interfaces import Vectors
from step1.diffusion import coarse_map, unit
from step1.topics import OBJECT


def vectors(topics: tuple[str, ...], logits: Vectors) -> Vectors | None:
    """Unit rows [n, d] from `logits` [n, classes] where the criterion asks what is shown, else None.

    What was measured (colours, light, ...) is named in words that a reader sorts by, and needs no vectors beside them:
    with colour vectors, fruits under "colour" score .81, with the words alone .94.
    """
    return coarse_map(logits) if topics[0] == OBJECT else None


def appearance(topics: tuple[str, ...], logits: Vectors) -> Vectors | None:
    """Unit rows [n, classes] of the logits as they are, where the criterion asks what is shown, else None. In them a
    digit or a cat among fruits is alone (average precision 1.0); in the map above it is drawn in (.2 to .7)."""
    return unit(logits) if topics[0] == OBJECT else None
