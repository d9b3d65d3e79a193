"""Models that workers ask: the budget is kept here, and a worker that dies takes no answer with it."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ictc import registry
from ictc.asking import StoredModel, ask
from ictc.engine import Engine
from ictc.errors import BudgetSpent, StepError
from ictc.interfaces import Model
from ictc.modeloptions import ModelOptions
from ictc.spending.meter import Meter, Metered
from ictc.spending.prices import LOCAL, parse_prices, price_of
from ictc.store import Store
from ictc.types import Reply, Request
from tests.servers.answers import UNAUTHORIZED
from tests.servers.scripted import ScriptedServer
from tests.tiny.fixture import Tiny


def asked(n: int) -> list[Request]:
    return [Request("label", f"question {i}", max_tokens=50) for i in range(n)]


def opened(engine: Engine, spec: str, concurrency: int = 8) -> Model:
    return engine.model(partial(registry.model, spec), ModelOptions(concurrency=concurrency))


def echo(body: dict[str, Any]) -> str:
    return str(body["messages"][-1]["content"])


def test_max_calls_is_what_arrives_and_a_larger_budget_goes_on(engine: Engine) -> None:
    with ScriptedServer(echo, latency=0.01) as server, Store(None) as store:
        spec = f"openai:any@{server.url}"
        answers: list[Any] = []
        for limit, arrived in ((30, 30), (100, 80)):
            metered = Metered(opened(engine, spec), Meter(max_calls=limit), LOCAL, spec)
            try:
                answers = list(ask(StoredModel(metered, store), asked(80)))
            except BudgetSpent:
                assert limit == 30
            assert server.count == arrived
        assert [a.text for a in answers] == [f"question {i}" for i in range(80)]
        assert server.most_at_once <= 8


def test_max_cost_holds_by_the_servers_own_counts(engine: Engine) -> None:
    with ScriptedServer(latency=0.01) as server, Store(None) as store:
        spec = f"openai:any@{server.url}"
        meter = Meter(max_cost=5.0)
        metered = Metered(opened(engine, spec), meter, price_of(spec, parse_prices(["1000,1000"])), spec)
        with pytest.raises(BudgetSpent, match=r"--max-cost 5"):
            list(ask(StoredModel(metered, store), asked(2000)))
        spent = meter.to_json()
        assert spent["requests"] == server.count and 4.0 < spent["cost"] <= 5.0


def test_a_model_that_is_gone_is_not_asked_the_rest(engine: Engine) -> None:
    with ScriptedServer(respond=lambda _: UNAUTHORIZED) as server:
        spec = f"openai:any@{server.url}"
        answers = list(ask(Metered(opened(engine, spec, 4), Meter(), LOCAL, spec), asked(200)))
        assert {getattr(a, "code", "") for a in answers} == {"unauthorized"} and len(answers) == 200
        assert server.count <= 20
        server.respond = echo
        assert isinstance(next(ask(opened(engine, spec, 4), asked(1))), Reply)


def test_weights_are_loaded_by_the_workers_alone(engine: Engine, tiny: Tiny) -> None:
    spec = f"hf:{tiny('parrot')}"
    here = list(ask(registry.model(spec, ModelOptions(device="cpu")), asked(100)))
    there = list(ask(engine.model(partial(registry.model, spec), ModelOptions(device="cpu")), asked(100)))
    assert here == there and all(isinstance(a, Reply) for a in there)


def test_a_worker_without_the_weights_says_so(engine: Engine, tiny: Tiny, tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    shutil.copytree(tiny("parrot"), folder)
    model = engine.model(partial(registry.model, f"hf:{folder}"), ModelOptions(device="cpu"))
    shutil.rmtree(folder)
    with pytest.raises(StepError, match=r"A worker cannot ask the model.*gone"):
        list(ask(model, asked(3)))


def test_a_node_that_dies_takes_no_answer_with_it(cluster: Any, engine: Engine) -> None:
    node = cluster.add_node(num_cpus=2)
    with ScriptedServer(echo, latency=0.05) as server:
        numbers, texts = [], {}
        for number, found in opened(engine, f"openai:any@{server.url}", 6).generate(asked(150)):
            numbers.append(number)
            texts[number] = found.text if isinstance(found, Reply) else found
            if len(numbers) == 30:
                cluster.remove_node(node, allow_graceful=False)
        assert sorted(numbers) == list(range(150)) and texts == {i: f"question {i}" for i in range(150)}
