"""Budgets around the real adapter and a real server: requests that arrive there are those that the budget allows."""

from __future__ import annotations

from typing import Any

import pytest

from ictc.asking import StoredModel, ask
from ictc.errors import BudgetSpent
from ictc.modeloptions import ModelOptions
from ictc.models.openai.batch import BatchModel
from ictc.models.openai.model import OpenAIModel
from ictc.models.openai.spec import Server
from ictc.registry import model
from ictc.spending.meter import Meter, Metered
from ictc.spending.prices import LOCAL, parse_prices, price_of
from ictc.store import Store
from ictc.types import Failure, Reply, Request
from tests.servers.answers import UNAUTHORIZED, Body
from tests.servers.scripted import ScriptedServer


def asked(n: int) -> list[Request]:
    return [Request("label", f"question {i}", max_tokens=50) for i in range(n)]


def test_max_calls_is_what_arrives_and_a_larger_budget_goes_on() -> None:
    with ScriptedServer(latency=0.01) as server, Store(None) as store:
        spec = f"openai:any@{server.url}"
        assert price_of(spec) == LOCAL
        for limit, arrived in ((30, 30), (100, 80)):
            inner = model(spec, ModelOptions(concurrency=16))
            answers = []
            try:
                answers.extend(ask(StoredModel(Metered(inner, Meter(max_calls=limit), LOCAL, spec), store), asked(80)))
            except BudgetSpent:
                assert limit == 30
            assert server.count == arrived
        assert len(answers) == 80 and all(isinstance(a, Reply) for a in answers)


def test_max_cost_holds_by_the_servers_own_counts() -> None:
    with ScriptedServer(latency=0.01) as server, Store(None) as store:
        spec = f"openai:any@{server.url}"
        price = price_of(spec, parse_prices(["1000,1000"]))
        meter = Meter(max_cost=5.0)
        metered = Metered(model(spec, ModelOptions(concurrency=16)), meter, price, spec)
        with pytest.raises(BudgetSpent, match=r"--max-cost 5"):
            list(ask(StoredModel(metered, store), asked(2000)))
        spent = meter.to_json()
        assert spent["requests"] == server.count and 4.5 < spent["cost"] <= 5.0


def test_a_refused_key_spends_no_budget() -> None:
    with ScriptedServer(respond=lambda _: UNAUTHORIZED) as server:
        spec = f"openai:any@{server.url}"
        meter = Meter(max_calls=5)
        answers = list(ask(Metered(model(spec, ModelOptions(concurrency=4)), meter, LOCAL, spec), asked(50)))
        assert len(answers) == 50 and not any(isinstance(a, Reply) for a in answers)
        assert meter.to_json()["requests"] == 0 and server.count <= 4


class _Charging:
    """A server's answers, each with what it charges: `think` tokens go before the first word, `words` after."""

    def __init__(self, think: int, words: int = 3, **message: Any) -> None:
        self.tokens = 0
        self._think, self._words, self._message = think, words, message

    def __call__(self, asked: Body) -> Body:
        most = int(asked["max_tokens"])
        cut = most < self._think
        used = most if cut else min(most, self._think + self._words)
        self.tokens += 2 + used
        message = {"content": "" if cut else "done", **self._message}
        return {
            "choices": [{"message": message, "finish_reason": "length" if cut else "stop"}],
            "usage": {"prompt_tokens": 2, "completion_tokens": used},
        }


def _spend(server: ScriptedServer, meter: Meter, n: int) -> tuple[list[Reply | Failure], bool]:
    """The answers to n requests at $1,000 for a million tokens, and whether the budget ended them."""
    spec = f"openai:any@{server.url}"
    price = price_of(spec, parse_prices(["1000,1000"]))
    metered = Metered(model(spec, ModelOptions(concurrency=8)), meter, price, spec)
    got: list[Reply | Failure] = []
    try:
        got.extend(answer for _, answer in metered.generate(asked(n)))
    except BudgetSpent:
        return got, True
    return got, False


@pytest.mark.parametrize(
    ("dollars", "least"), [(0.01, 0), (0.2, 0), (5.0, 0), (9.0, 1), (20.0, 3), (60.0, 16), (1000.0, 40)]
)
def test_room_to_think_is_within_the_budget(dollars: float, least: int) -> None:
    charging = _Charging(think=3000)
    with ScriptedServer(charging, latency=0.01) as server:
        meter = Meter(max_cost=dollars)
        got, spent = _spend(server, meter, 40)
        total = meter.to_json()
        assert total["cost"] == pytest.approx(charging.tokens / 1000) and total["cost"] <= dollars
        assert len(got) >= least and spent == (len(got) < 40)
        assert all(isinstance(answer, Reply) for answer in got), "what the budget held back is no failure"
        assert total["requests"] <= server.count and total["failed"] == 0


def test_thinking_twice_is_one_call() -> None:
    with ScriptedServer(_Charging(think=3000), latency=0.01) as server:
        meter = Meter(max_calls=5)
        got, spent = _spend(server, meter, 40)
        assert (len(got), spent, meter.to_json()["requests"]) == (5, True, 5)
        assert server.count <= 10


NOTHING_SAID = {
    "empty": _Charging(0, 40, content=""),
    "refused": _Charging(0, 40, content=None, refusal="no"),
    "truncated": _Charging(10**9),
}


@pytest.mark.parametrize("dollars", [0.5, 30.0])
@pytest.mark.parametrize("code", NOTHING_SAID)
def test_answers_without_a_word_are_paid_too(code: str, dollars: float) -> None:
    charging = NOTHING_SAID[code]
    charging.tokens = 0
    with ScriptedServer(charging, latency=0.01) as server:
        meter = Meter(max_cost=dollars)
        got, spent = _spend(server, meter, 2000)
        total = meter.to_json()
    assert spent and {a.code for a in got if isinstance(a, Failure)} <= {code} and total["failed"] == len(got)
    assert total["cost"] == pytest.approx(charging.tokens / 1000) and total["cost"] <= dollars
    assert total["requests"] <= server.count


def test_a_batch_keeps_to_it_and_counts_equal_requests_once() -> None:
    charging = _Charging(think=3000)
    with ScriptedServer(charging) as server:
        spec = f"openai:any@{server.url}"
        price = price_of(spec, parse_prices(["1000,1000"]))
        meter = Meter(max_cost=60.0)
        inner = BatchModel(OpenAIModel(Server("any", server.url), ModelOptions()), base_delay=0.001)
        got = []
        with pytest.raises(BudgetSpent):
            got.extend(Metered(inner, meter, price, spec).generate([*asked(1), *asked(40)]))
        assert meter.to_json()["cost"] == pytest.approx(charging.tokens / 1000)
        assert meter.to_json()["cost"] <= 60.0
        assert len(got) >= 5 and all(isinstance(answer, Reply) for _, answer in got)
