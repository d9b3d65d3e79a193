"""Shares made true, and intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictc.reasoners.cascade.calibration import Calibration, calibrate, interval

GRID = np.linspace(0.01, 0.99, 50)


def test_without_answers_shares_stay_as_they_are() -> None:
    assert calibrate([], []) == Calibration()
    assert np.allclose(Calibration()(GRID), GRID)


def test_shares_move_towards_what_was_seen() -> None:
    draw = np.random.default_rng(0)
    shares = draw.uniform(0.5, 0.99, 600)
    agreed = draw.random(600) < 0.5 + (shares - 0.5) / 2  # half as sure as they say
    found = calibrate(shares.tolist(), agreed.tolist())(GRID)
    for low, high in ((0.5, 0.65), (0.65, 0.8), (0.8, 0.95)):
        inside = (shares >= low) & (shares < high)
        at = found[np.digitize(GRID, [low, high]) == 1].mean()
        assert abs(at - agreed[inside].mean()) < 0.08
    assert np.all(found[GRID > 0.7] < GRID[GRID > 0.7])


def test_few_answers_move_little_and_many_much() -> None:
    moved = [abs(calibrate([0.9] * n, [False] * n)(np.asarray([0.9]))[0] - 0.9) for n in (1, 10, 200)]
    assert 0 < moved[0] < 0.3 < 0.6 < moved[1] < 0.8 < moved[2]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=60))
def test_a_greater_share_never_means_less(seen: list[tuple[float, bool]]) -> None:
    found = calibrate([s for s, _ in seen], [a for _, a in seen])
    scaled = found(np.concatenate([[0.0], GRID, [1.0]]))
    assert np.all(np.isfinite(scaled)) and np.all((scaled >= 0) & (scaled <= 1))
    assert np.all(np.diff(scaled) >= 0)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [  # as statsmodels' proportion_confint(method="wilson") and prop.test(correct=FALSE) give them
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (1, 20, 0.0089, 0.2361),
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_as_wilson_gives_them(hits: int, of: int, low: float, high: float) -> None:
    assert interval(hits, of) == pytest.approx((low, high), abs=6e-5)


def test_of_nothing_nothing_is_known() -> None:
    assert interval(0, 0) == (0.0, 1.0)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share(drawn: tuple[int, int]) -> None:
    low, high = interval(*drawn)
    assert 0 <= low <= drawn[0] / drawn[1] + 1e-12 and drawn[0] / drawn[1] <= high + 1e-12 <= 1 + 1e-12
