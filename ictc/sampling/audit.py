"""Images drawn at random from those that the probe decides are described after all: how often is it another cluster?

They are drawn after all others were chosen, from those that are left, by a permutation of the images that hangs on the
seed alone. The probe never learns from them, so that they tell of the others what they are; its confidences do.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from ictc.reasoners.cascade.calibration import interval
from ictc.sampling.account import Account


def drawn(images: int, left: Collection[int], m: int, seed: int) -> list[int]:
    """m of the images `left`, of so many in all; another m of the same has these first."""
    there = set(left)
    order = np.random.default_rng(seed).permutation(images).tolist()
    return [i for i in order if i in there][:m]


def estimated(account: Account, pairs: Sequence[tuple[str | None, str | None]]) -> Account:
    """The account with what the audit says. `pairs`: the cluster by the probe and by the reasoner, of every image
    audited. All others that the probe decided are held to be like these; those described agree with themselves."""
    disagreed = sum(probe != reasoner for probe, reasoner in pairs)
    found = replace(account, audited=len(pairs), disagreed=disagreed)
    placed = account.described + account.probed
    if not placed or (account.probed and not pairs):
        return found
    left = account.probed / placed
    low, high = interval(disagreed, len(pairs)) if account.probed else (0.0, 0.0)
    rate = disagreed / max(1, len(pairs))
    return replace(found, disagreement=round(left * rate, 4), low=round(left * low, 4), high=round(left * high, 4))
