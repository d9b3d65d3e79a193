"""The meter and budgets, around models that work ahead, in threads and out of order, as real ones do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictc.asking import StoredModel, ask
from ictc.errors import BudgetSpent, UsageError
from ictc.spending.meter import Meter, Metered, added, dollars
from ictc.spending.prices import LOCAL, UNKNOWN, Price
from ictc.store import Store
from ictc.types import Failure, Reply, Request

PRICE = Price(1.0, 10.0)


class Busy:
    """Keeps `width` requests in flight in threads and gives answers as they come."""

    fingerprint = "busy/1"

    def __init__(self, width: int = 4, answer: Reply | Failure | None = None) -> None:
        self.width = width
        self.answer = answer or Reply("yes", input_tokens=100, output_tokens=5)
        self.taken: list[str] = []

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply | Failure]]:
        numbered = enumerate(requests)
        with ThreadPoolExecutor(self.width) as pool:
            flying: dict[Future[Reply | Failure], int] = {}
            more = True
            while more or flying:
                while more and len(flying) < self.width:
                    number, request = next(numbered, (-1, None))
                    if request is None:
                        more = False
                        break
                    self.taken.append(request.user)
                    flying[pool.submit(lambda: self.answer)] = number
                for done in wait(flying, return_when=FIRST_COMPLETED).done if flying else ():
                    yield flying.pop(done), done.result()


def endless() -> Iterator[Request]:
    return (Request("label", f"question {i}", max_tokens=100) for i in count())


def asked(n: int) -> list[Request]:
    return [Request("label", f"question {i}", max_tokens=100) for i in range(n)]


def drained(
    model: Metered, requests: Iterable[Request]
) -> tuple[list[tuple[int, Reply | Failure]], BudgetSpent | None]:
    got: list[tuple[int, Reply | Failure]] = []
    try:
        got.extend(model.generate(requests))
    except BudgetSpent as spent:
        return got, spent
    return got, None


@pytest.mark.parametrize("width", [1, 3, 16])
@pytest.mark.parametrize("limit", [0, 1, 10])
def test_max_calls_stops_endless_requests_after_exactly_so_many_and_gives_every_answer(width: int, limit: int) -> None:
    inner, meter = Busy(width), Meter(max_calls=limit)
    got, spent = drained(Metered(inner, meter, LOCAL), endless())
    assert spent is not None and spent.exit_code == 5 and "--max-calls" in spent.hint
    assert sorted(n for n, _ in got) == list(range(limit)) and len(inner.taken) == limit
    assert meter.to_json()["requests"] == limit


@pytest.mark.parametrize("width", [1, 7, 32])
def test_max_cost_is_never_passed_and_nearly_used_up(width: int) -> None:
    inner, meter = Busy(width), Meter(max_cost=0.05)
    got, spent = drained(Metered(inner, meter, PRICE), endless())
    assert spent is not None and "--max-cost 0.05" in spent.message
    cost = meter.to_json()["cost"]
    assert cost == pytest.approx(len(got) * 150e-6)
    assert 0.045 < cost <= 0.05
    assert sorted(n for n, _ in got) == list(range(len(got)))


def test_a_budget_that_is_just_enough_raises_nothing() -> None:
    got, spent = drained(Metered(Busy(), Meter(max_calls=5), LOCAL), asked(5))
    assert spent is None and len(got) == 5


def test_what_was_answered_is_stored_before_the_budget_ends_and_the_next_goes_on() -> None:
    with Store(None) as store:
        first, second = Busy(8), Busy(8)
        with pytest.raises(BudgetSpent):
            list(ask(StoredModel(Metered(first, Meter(max_calls=30), LOCAL), store), asked(50)))
        answers = list(ask(StoredModel(Metered(second, Meter(max_calls=20), LOCAL), store), asked(50)))
    assert len(answers) == 50 and all(isinstance(a, Reply) for a in answers)
    assert len(first.taken) == 30 and len(second.taken) == 20 and not {*first.taken} & {*second.taken}


def test_one_meter_counts_two_models_and_both_stay_within_it() -> None:
    meter = Meter(max_calls=6)
    first, second = Metered(Busy(), meter, LOCAL), Metered(Busy(), meter, PRICE)
    assert drained(first, asked(4))[1] is None
    got, spent = drained(second, asked(4))
    assert len(got) == 2 and spent is not None


def test_two_threads_share_the_budget() -> None:
    meter = Meter(max_calls=40)
    models = [Busy(4) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda m: drained(Metered(m, meter, LOCAL), endless()), models))
    assert sum(len(got) for got, _ in results) == 40 == sum(len(m.taken) for m in models)
    assert all(spent for _, spent in results)


def test_a_cost_cannot_be_kept_where_the_price_is_unknown() -> None:
    with pytest.raises(UsageError, match="openai:x is not known") as caught:
        Metered(Busy(), Meter(max_cost=1), UNKNOWN, "openai:x")
    assert "--price" in caught.value.hint and "--max-calls" in caught.value.hint


def test_an_unknown_price_is_unknown_in_every_figure() -> None:
    meter = Meter()
    drained(Metered(Busy(), meter, PRICE), asked(2))
    drained(Metered(Busy(), meter, UNKNOWN), [Request("assign", "?")])
    total = meter.to_json()
    assert total["cost"] is None and total["by_stage"]["assign"]["cost"] is None
    assert total["by_stage"]["label"]["cost"] == pytest.approx(300e-6)
    assert meter.line() == "3 requests, 315 tokens, cost unknown"


def test_local_models_are_said_to_be_local() -> None:
    meter = Meter()
    drained(Metered(Busy(answer=Reply("x", input_tokens=300_000, output_tokens=10_000)), meter, LOCAL), asked(4))
    assert meter.line() == "4 requests, 1.24M tokens, local, no price"


def test_a_dead_model_uses_up_no_budget() -> None:
    dead = Failure("", "label", "unreachable", "nobody there")
    meter = Meter(max_calls=3, max_cost=1)
    got, spent = drained(Metered(Busy(answer=dead), meter, PRICE), asked(20))
    assert spent is None and len(got) == 20
    assert meter.to_json() | {"by_stage": {}} == {
        "requests": 0,
        "failed": 20,
        "input_tokens": 0,
        "output_tokens": 0,
        "cost": 0.0,
        "currency": "USD",
        "by_stage": {},
    }


def test_other_failures_are_requests() -> None:
    meter = Meter(max_calls=3)
    got, spent = drained(Metered(Busy(answer=Failure("", "label", "timeout", "late")), meter, PRICE), endless())
    assert len(got) == 3 and spent is not None
    assert (meter.to_json()["requests"], meter.to_json()["failed"]) == (3, 3)


def test_a_server_that_counts_no_tokens_is_not_free() -> None:
    meter = Meter()
    drained(Metered(Busy(answer=Reply("four word answer here")), meter, PRICE), asked(1))
    total = meter.to_json()
    assert total["input_tokens"] > 2 and total["output_tokens"] == 6 and total["cost"] > 0


def test_who_stops_listening_gives_its_room_back() -> None:
    meter = Meter(max_calls=4)
    answers = Metered(Busy(4), meter, LOCAL).generate(endless())
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    got, _ = drained(Metered(Busy(4), meter, LOCAL), endless())
    assert len(got) == 3


COUNTS = st.integers(0, 10**9)
COSTS = st.one_of(st.none(), st.integers(0, 10**9).map(lambda n: n / 10**6))


@st.composite
def totals(draw: st.DrawFn) -> dict[str, object]:
    def one() -> dict[str, object]:
        names = ("requests", "failed", "input_tokens", "output_tokens")
        return {**{n: draw(COUNTS) for n in names}, "cost": draw(COSTS)}

    stages = draw(st.sets(st.sampled_from(["describe", "label", "merge", "assign"])))
    return {**one(), "currency": "USD", "by_stage": {s: one() for s in sorted(stages)}}


@settings(deadline=None)
@given(totals(), totals(), totals())
def test_totals_of_invocations_add_up_in_any_grouping(
    a: dict[str, object], b: dict[str, object], c: dict[str, object]
) -> None:
    assert added(None, a) == a
    assert added(a, b) == added(b, a)
    left, right = added(added(a, b), c), added(a, added(b, c))
    assert left["by_stage"].keys() == right["by_stage"].keys()
    assert left | {"by_stage": 0, "cost": 0} == right | {"by_stage": 0, "cost": 0}
    assert left["cost"] == (None if right["cost"] is None else pytest.approx(right["cost"]))


def test_two_invocations_are_one_longer_one() -> None:
    whole, first, second = Meter(), Meter(), Meter()
    drained(Metered(Busy(), whole, PRICE), asked(5))
    drained(Metered(Busy(), first, PRICE), asked(2))
    drained(Metered(Busy(), second, PRICE), asked(3))
    assert added(first.to_json(), second.to_json()) == whole.to_json()


@pytest.mark.parametrize(
    ("cost", "text"),
    [(None, "unknown"), (0.0, "$0.00"), (1234.5, "$1,234.50"), (0.0123, "$0.012"), (1e-9, "under $0.0001")],
)
def test_dollars(cost: float | None, text: str) -> None:
    assert dollars(cost) == text
