"""Budgets around the real adapter and a real server: requests that arrive there are those that the budget allows."""

from __future__ import annotations

import pytest

from ictc.asking import StoredModel, ask
from ictc.errors import BudgetSpent
from ictc.modeloptions import ModelOptions
from ictc.registry import model
from ictc.spending.meter import Meter, Metered
from ictc.spending.prices import LOCAL, parse_prices, price_of
from ictc.store import Store
from ictc.types import Reply, Request
from tests.servers.answers import UNAUTHORIZED
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
