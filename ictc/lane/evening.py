"""The view in which vectors are clustered: centred, and with broad and narrow directions nearer to each other.

Unscaled, two or three broad directions (light, pose) drown the rest; scaled to equal spread, noise does. Each principal
direction is divided by the square root of its spread: half-way between the two. The broadest 64 are kept (both as in
`step1.diffusion`), and rows get unit length.

A spread must be known before it is divided by. Of m directions that are all equally broad, n images show variances
between (1 - sqrt(m/n))² and (1 + sqrt(m/n))² (Marchenko and Pastur 1967): with n near m the narrowest seem to be
nothing, and evening makes the most of what is chance. So one direction in ten images is evened, the broadest first,
off then by .83 to 1.15 times at most; the others are no more told apart, and scaled as the last of these. Below 20
images that is unit length alone, from 640 on all 64 are evened (`python -m bench evening`, docs/benchmarks.md).

Offline, over 20 seeds of k-means of images alone, accuracy on 1,000 CIFAR-10 images is .50 (.48 without evening), NMI
on the 18 varieties of fruits .87 (.82; with unit length alone .83). `plain` leaves vectors as published: centred and
no more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ictc.interfaces import Vectors
from ictc.reasoners.spherical import BLOCK, Array, unit

SPACES = ("evened", "plain", "standardised")
PRINCIPAL = 64
"""Directions kept, the broadest."""
EACH = 10
"""Images for each direction that is evened, at least."""
_NOTHING = 1e-9  # of the broadest direction's variance: no direction at all


@dataclass(frozen=True)
class View:
    """`middle` [d] is taken off, then rows are projected by `axes` [d, m] (None: as they are), and made `unit`."""

    middle: Vectors
    axes: Vectors | None = None
    scaled: bool = True

    def of(self, rows: Vectors) -> Vectors:
        """float32 [n, m] of fused rows [n, d]."""
        return self.turned(rows - self.middle)

    def turned(self, rows: Vectors) -> Vectors:
        """The same for rows [n, d] that are differences already."""
        seen = rows if self.axes is None else rows @ self.axes
        return unit(seen) if self.scaled else seen


def view_of(rows: Vectors, space: str) -> View:
    """How rows [n, d] are looked at, from their mean and covariance, summed in float64 a block at a time."""
    from threadpoolctl import threadpool_limits

    middle = rows.mean(0, dtype=np.float64).astype(np.float32)
    if space == "plain":
        return View(middle, scaled=False)
    if space == "standardised":
        return View(middle, _standardising(rows, middle), scaled=False)
    covariance: Array = np.zeros((rows.shape[1], rows.shape[1]))
    with threadpool_limits(1):  # else the last bits depend on the number of threads
        for start in range(0, len(rows), BLOCK):
            block = (rows[start : start + BLOCK] - middle).astype(np.float64)
            covariance += block.T @ block / len(rows)
        variance, axes = np.linalg.eigh(covariance)
    broad = np.flatnonzero(variance > _NOTHING * max(float(variance[-1]), 1e-12))[-PRINCIPAL:]
    if not len(broad):
        return View(middle)
    told = broad[-max(1, len(rows) // EACH) :]
    spread = np.maximum(variance[broad], variance[told[0]])
    return View(middle, (axes[:, broad] * spread**-0.25).astype(np.float32))


def _standardising(rows: Vectors, middle: Vectors) -> Vectors:
    """[d, m]: divides by the standard deviations, of all rows, of the m numbers that differ."""
    variance: Array = np.zeros(rows.shape[1])
    for start in range(0, len(rows), BLOCK):
        variance += np.square(rows[start : start + BLOCK] - middle, dtype=np.float64).sum(axis=0) / len(rows)
    differ = variance > (np.finfo(np.float32).eps * middle) ** 2  # more than rounding leaves of equal numbers
    return np.diag(np.where(differ, variance, 1) ** -0.5)[:, differ].astype(np.float32)
