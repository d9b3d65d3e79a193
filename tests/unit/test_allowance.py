"""A model that answers so many requests and no more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ictc.allowance import SPENT, Allowance
from ictc.asking import StoredModel, ask
from ictc.store import Store
from ictc.types import GONE, Failure, Reply, Request
from tests.talking import Talking


def held(left: int, talking: Talking | None = None) -> tuple[Allowance, Talking]:
    talking = talking or Talking(lambda r: f"to {r.user}")
    allowance = Allowance(talking)
    allowance.left = left
    return allowance, talking


def questions(n: int) -> list[Request]:
    return [Request("assign", f"question {i}") for i in range(n)]


@given(left=st.integers(0, 12), sizes=st.lists(st.integers(0, 6), max_size=5))
def test_exactly_so_many_pass_the_first_of_them(left: int, sizes: list[int]) -> None:
    allowance, talking = held(left)
    passed: list[bool] = []
    for size in sizes:
        answers = list(ask(allowance, questions(size)))
        assert len(answers) == size
        passed += [isinstance(a, Reply) for a in answers]
        assert all(a.text == f"to question {i}" for i, a in enumerate(answers) if isinstance(a, Reply))
    assert passed == [i < left for i in range(sum(sizes))]
    assert len(talking.asked) == min(left, sum(sizes)) == left - allowance.left


def test_every_number_comes_once_whatever_the_order_beneath() -> None:
    allowance, _ = held(5)
    numbers = [number for number, _ in allowance.generate(questions(9))]
    assert sorted(numbers) == list(range(9)) and numbers != sorted(numbers), "answers come in twos, the later first"


def test_a_denial_is_no_passing_fault_and_no_gone_model() -> None:
    allowance, _ = held(0)
    [(number, denied)] = allowance.generate(questions(1))
    assert isinstance(denied, Failure) and (number, denied.code, denied.stage) == (0, SPENT, "assign")
    assert not denied.retryable and denied.code not in GONE


def test_requests_are_taken_as_they_are_worked_on() -> None:
    allowance, talking = held(100)
    taken = 0

    def many() -> Iterator[Request]:
        nonlocal taken
        for request in questions(100):
            taken += 1
            yield request

    answers = allowance.generate(many())
    next(answers)
    assert taken == 2 == talking.most_held
    assert sum(1 for _ in answers) == 99 and talking.most_held == 2


def test_a_stored_answer_counts_and_a_denial_is_not_stored() -> None:
    talking, store = Talking(lambda r: r.user), Store(None)
    for _ in range(2):  # the second time from the store: the same are answered
        allowance = Allowance(StoredModel(talking, store))
        allowance.left = 2
        found = list(ask(allowance, questions(4)))
        assert [isinstance(a, Reply) for a in found] == [True, True, False, False]
        assert allowance.left == 0
    assert len(talking.asked) == 2
    allowance.left = 4
    assert all(isinstance(a, Reply) for a in ask(allowance, questions(4)))
    assert len(talking.asked) == 4


def test_failures_of_the_model_come_through_as_they_are() -> None:
    allowance, _ = held(2, Talking(lambda r: Failure("", r.stage, "unauthorized", "no")))
    codes = [a.code for a in ask(allowance, questions(3)) if isinstance(a, Failure)]
    assert codes == ["unauthorized", "unauthorized", SPENT]


@pytest.mark.parametrize("own", [None, "text/1"])
def test_it_is_known_by_the_model_within(own: str | None) -> None:
    talking = Talking(lambda _: "")
    if own:
        talking.text_fingerprint = own  # type: ignore[attr-defined]
    allowance = Allowance(talking)
    assert allowance.fingerprint == talking.fingerprint
    assert allowance.text_fingerprint == (own or talking.fingerprint)
