"""Budgets as a person writes them, and what they let each step ask."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ictc.errors import UsageError
from ictc.reasoners.cascade.plan import Budget, parse_budget


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("5%", Budget(share=0.05)),
        ("5 %", Budget(share=0.05)),
        (" 5% ", Budget(share=0.05)),
        ("0.5%", Budget(share=0.005)),
        ("100%", Budget(share=1.0)),
        ("0%", Budget(share=0.0)),
        ("0", Budget(calls=0)),
        ("500", Budget(calls=500)),
    ],
)
def test_a_share_or_a_number(text: str, budget: Budget) -> None:
    assert parse_budget(text) == budget


@pytest.mark.parametrize(
    "text",
    [
        *"%x",
        "",
        " ",
        "abc",
        "-3",
        "-3%",
        "101%",
        "100.01%",
        "5.5",
        "1e3",
        "nan%",
        "inf",
        "5%%",
        "5% 5",
        "0x10",
        "9" * 5000,
        "9" * 5000 + "%",
    ],
)
def test_anything_else_is_told_what_to_type(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_budget(text)
    assert "--budget 5%" in refused.value.hint
    assert len(refused.value.message) < 200


budgets = st.one_of(
    st.integers(0, 10**7).map(lambda n: Budget(calls=n)),
    st.floats(0, 1).map(lambda share: Budget(share=share)),
)


@given(n=st.integers(0, 10**6), budget=budgets)
def test_the_steps_together_ask_no_more_than_the_budget_and_no_more_than_all(n: int, budget: Budget) -> None:
    plan = budget.plan(n)
    most = budget.calls if budget.calls is not None else (budget.share or 0) * (2 * n + 1) + 1e-6
    assert min(plan.label, plan.merge, plan.assign) >= 0
    assert plan.total == plan.label + plan.merge + plan.assign <= min(most, 2 * n + 1)
    assert plan.total > min(most, 2 * n + 1) - 1, "nothing of it is left lying"
    assert plan.label <= n


@given(n=st.integers(1, 10**5), calls=st.integers(0, 10**5))
def test_more_budget_is_nowhere_less_for_assignments(n: int, calls: int) -> None:
    less, more = Budget(calls=calls).plan(n), Budget(calls=calls + 20).plan(n)
    assert more.total >= less.total and more.label >= less.label


@pytest.mark.parametrize("text", ["5%", "0.5%", "12.25%", "500", "0", "0%", "100%"])
def test_it_is_told_as_it_was_written(text: str) -> None:
    assert str(parse_budget(text)) == text
    assert parse_budget(str(parse_budget(text))) == parse_budget(text)


def test_five_percent_of_ten_thousand_images() -> None:
    plan = parse_budget("5%").plan(10_000)
    assert plan.total == 1000 == plan.label + plan.merge + plan.assign
    assert plan.label == 250 and plan.assign > 700
