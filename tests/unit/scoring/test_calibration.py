"""Reliability tables and the calibration error, by hand and in what must hold of them."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ictc.scoring import Bin, expected_calibration_error, reliability, score_assignments

answers = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def test_by_hand() -> None:
    table = reliability([0.95, 0.85, 0.82, 0.3], [True, True, False, False])
    assert [(b.low, b.high, b.n) for b in table] == [
        (pytest.approx(0.2), pytest.approx(0.3), 1),
        (pytest.approx(0.8), pytest.approx(0.9), 2),
        (pytest.approx(0.9), 1.0, 1),
    ]
    assert [(b.confidence, b.accuracy) for b in table] == [
        (0.3, 0),
        (pytest.approx(0.835), 0.5),
        (0.95, 1),
    ]
    assert expected_calibration_error(table) == pytest.approx((0.3 + 2 * 0.335 + 0.05) / 4)


def test_edges_belong_to_the_bin_below_and_zero_to_the_first() -> None:
    table = reliability([0.0, 0.5, 1.0], [False, True, True], bins=2)
    assert table == [Bin(0.0, 0.5, 2, 0.25, 0.5), Bin(0.5, 1.0, 1, 1.0, 1.0)]


def test_nothing_has_no_error() -> None:
    assert reliability([], []) == []
    assert expected_calibration_error([]) is None


def test_confidences_that_hold_have_little_error_and_boasts_have_much() -> None:
    rng = random.Random(0)
    sure = [rng.random() for _ in range(20_000)]
    held = expected_calibration_error(reliability(sure, [rng.random() < c for c in sure]))
    boasted = expected_calibration_error(reliability([1.0] * 20_000, [rng.random() < 0.6 for _ in sure]))
    assert held is not None and held < 0.02
    assert boasted == pytest.approx(0.4, abs=0.02)


@given(answers, st.integers(1, 20))
def test_every_answer_is_in_one_bin_that_holds_it(rows: list[tuple[float, bool]], bins: int) -> None:
    table = reliability([c for c, _ in rows], [r for _, r in rows], bins)
    assert sum(b.n for b in table) == len(rows)
    assert sum(b.n * b.accuracy for b in table) == pytest.approx(sum(r for _, r in rows))
    assert all(b.n > 0 and b.low - 1e-9 <= b.confidence <= b.high + 1e-9 for b in table)
    error = expected_calibration_error(table)
    overall = abs(sum(c for c, _ in rows) - sum(r for _, r in rows)) / len(rows)
    assert error is not None and overall - 1e-9 <= error <= 1 + 1e-9


def test_scores_count_the_assigned_with_confidence_and_judge_them_as_accuracy_does() -> None:
    predicted = {"1": "a", "2": "a", "3": "b", "4": None, "5": "b", "6": "c", "far": "a"}
    truth = {"1": "x", "2": "x", "3": "x", "4": "y", "5": "y", "6": "x", "7": "y"}
    sure = {"1": 0.9, "2": None, "3": 0.9, "4": 0.1, "5": 0.6, "6": 0.2, "far": 0.5}
    s = score_assignments(predicted, truth, failed=["7"], confidences=sure)
    assert [(b.n, b.accuracy) for b in s.reliability] == [(1, 0), (1, 1), (2, 0.5)]
    assert s.ece == pytest.approx((0.2 + 0.4 + 2 * 0.4) / 4)
    assert s.without_confidence == 1
    assert s.to_json()["ece"] == pytest.approx(0.35)
    assert s.to_json()["reliability"][0] == {"low": 0.1, "high": 0.2, "n": 1, "confidence": 0.2, "accuracy": 0.0}


def test_scores_without_confidences_have_no_error() -> None:
    s = score_assignments({"1": "a", "2": None}, {"1": "x", "2": "y"})
    assert (s.ece, list(s.reliability), s.without_confidence) == (None, [], 1)
