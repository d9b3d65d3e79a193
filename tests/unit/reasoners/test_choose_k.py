"""How sure a chosen K is."""

from __future__ import annotations

import numpy as np

from ictc.reasoners.choose_k import STABLE, stability
from ictc.reasoners.spherical import k_means, unit


def test_groups_that_are_there_are_found_again_and_chance_ones_are_not() -> None:
    draw = np.random.default_rng(3)
    directions = unit(draw.standard_normal((4, 32)))
    groups = np.arange(400) % 4
    rows = unit(directions[groups] + 0.1 * draw.standard_normal((400, 32)))
    noise = unit(draw.standard_normal((400, 32)))
    assert stability(rows, groups, 4) > 0.95
    assert stability(noise, k_means(noise, noise[:4], 20)[0], 4) < STABLE
