"""Clusters of described images, learned from what images look like: for those that nobody describes.

Multinomial logistic regression with a ridge (le Cessie and van Houwelingen 1992), as linear probes are put on frozen
features. How strong the ridge is, and how sure the probe may be, its answers about images decide that it was not
trained on (five-fold cross-fitting): the likeliest strength; then Platt's scaling of its first choices.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ictc.interfaces import Vectors
from ictc.reasoners.spherical import BLOCK, Array, Index

STRENGTHS = (0.1, 1.0, 10.0, 100.0)
_FOLDS = 5
_MOST = 5000  # rows that the strength is chosen on; more would not change it
_STEPS = 500
_LEAST = 1e-6  # a share that a class is held to have at least, where the likelihood is taken


@dataclass(frozen=True)
class Probe:
    """`shares(rows)`: [n, k] of rows [n, d]. `trusted` and `agreed`: the share of the first choice of images that it
    was not trained on, and whether that was right."""

    k: int
    classes: Index
    fitted: Any
    trusted: Sequence[float]
    agreed: Sequence[bool]

    def shares(self, rows: Vectors) -> Array:
        found = np.zeros((len(rows), self.k))
        if self.fitted is None:
            found[:, self.classes] = 1 / len(self.classes)
            return found
        for start in range(0, len(rows), BLOCK):
            found[start : start + BLOCK, self.classes] = self.fitted.predict_proba(rows[start : start + BLOCK])
        return found


def train(rows: Vectors, groups: Index, k: int) -> Probe:
    """From rows [m, d] with the group of each, at least one. The same for the same input."""
    from threadpoolctl import threadpool_limits

    classes = np.unique(groups)
    if len(classes) < 2:
        return Probe(k, classes, None, (), ())
    with threadpool_limits(1):  # else the last bits depend on the number of threads
        some = np.unique(np.linspace(0, len(rows) - 1, _MOST).astype(np.intp))
        strength, shares, judged = _cross_fitted(rows[some], groups[some], k)
        best = shares.argmax(1)
        trusted = shares.max(1)[judged].tolist()
        agreed = (best == groups[some])[judged].tolist()
        return Probe(k, classes, _fit(rows, groups, strength), trusted, agreed)


def _cross_fitted(rows: Vectors, groups: Index, k: int) -> tuple[float, Array, NDArray[np.bool_]]:
    """(strength, shares [m, k] from the others' folds, which rows can be judged: an only image of its class cannot)."""
    turn = np.zeros(len(rows), dtype=np.intp)
    for group in np.unique(groups):
        mine = np.flatnonzero(groups == group)
        turn[mine] = np.arange(len(mine))
    judged = np.bincount(groups, minlength=k)[groups] > 1
    fold = (turn + groups) % _FOLDS
    found: list[tuple[float, float, Array]] = []
    for strength in STRENGTHS:
        shares = np.zeros((len(rows), k))
        for part in range(_FOLDS):
            left, held = fold != part, fold == part
            known = np.unique(groups[left])
            if not held.any() or not len(known):
                continue
            if len(known) < 2:
                shares[np.ix_(held, known)] = 1.0
            else:
                shares[np.ix_(held, known)] = _fit(rows[left], groups[left], strength).predict_proba(rows[held])
        right = np.maximum(shares[np.arange(len(rows)), groups], _LEAST)
        found.append((round(float(np.log(right[judged]).sum()), 6), -strength, shares))
    _, strength, shares = max(found, key=lambda x: x[:2])
    return -strength, shares, judged


def _fit(rows: Vectors, groups: Index, strength: float) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # to stop early is to learn a little less by heart
        return LogisticRegression(C=strength, max_iter=_STEPS).fit(rows.astype(np.float64), groups)
