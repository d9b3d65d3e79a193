"""How far shares can be trusted, learned from answers; and how often the rest would have been answered otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from ictc.reasoners.spherical import Array

_EDGE = 1e-3  # shares nearer to 0 and 1 than this say no more
_Z = 1.959964  # of the normal distribution: 95 %
_SLOPE, _SHIFT = 0.5, 1.0  # how far from "as they are" we hold possible before anything is known


@dataclass(frozen=True, slots=True)
class Calibration:
    """sigmoid(slope * logit(share) + shift): Platt scaling (1999). The default leaves shares as they are."""

    slope: float = 1.0
    shift: float = 0.0

    def __call__(self, shares: Array) -> Array:
        from scipy.special import expit

        found: Array = expit(self.slope * _odds(shares) + self.shift)
        return found


def calibrate(shares: Sequence[float], agreed: Sequence[bool]) -> Calibration:
    """The likeliest scaling, given the shares of first choices and whether the model chose the same. Few answers move
    it little: slope and shift are normal around 1 and 0 beforehand (MAP)."""
    if not len(shares):
        return Calibration()
    from scipy.optimize import minimize

    odds, right = _odds(np.asarray(shares)), np.asarray(agreed, dtype=float)

    def loss(at: Array) -> float:
        z = at[0] * odds + at[1]
        fit = np.logaddexp(0, z) - right * z
        return float(fit.sum() + ((at[0] - 1) / _SLOPE) ** 2 / 2 + (at[1] / _SHIFT) ** 2 / 2)

    slope, shift = minimize(loss, np.asarray([1.0, 0.0]), method="Nelder-Mead").x
    return Calibration(round(max(float(slope), 0.0), 4), round(float(shift), 4))


def interval(hits: int, of: int) -> tuple[float, float]:
    """95 % of a share, `hits` of `of` at random (Wilson, 1927); all of [0, 1] where nothing was drawn."""
    if not of:
        return 0.0, 1.0
    share, spread = hits / of, _Z * _Z / of
    middle = share + spread / 2
    reach = _Z * sqrt(share * (1 - share) / of + spread / (4 * of))
    return max(0.0, (middle - reach) / (1 + spread)), min(1.0, (middle + reach) / (1 + spread))


def _odds(shares: Array) -> Array:
    from scipy.special import logit

    found: Array = logit(np.clip(shares, _EDGE, 1 - _EDGE))
    return found
