"""What is known beforehand, through Ray Data: in order, each once, whatever becomes of the workers."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest

from ictc.embed.cached import CachedEmbedder
from ictc.engine import Engine
from ictc.engine.local import LOCAL
from ictc.errors import StepError
from ictc.models.minilm import MiniLM
from ictc.place import Place
from ictc.remote.opening import open_engine
from ictc.store import Store
from tests.ray.works import KILLS, TOO_LARGE, Doubling


def numbered(n: int) -> list[list[int]]:
    return [[10 * i + j for j in range(3)] for i in range(n)]


def test_a_node_that_dies_costs_nothing(cluster: Any, engine: Engine) -> None:
    node = cluster.add_node(num_cpus=2)
    found = engine.map(Doubling(0.2), iter(numbered(60)))
    begun = list(islice(found, 10))
    cluster.remove_node(node, allow_graceful=False)
    rows = [row for batch in [*begun, *found] for row in batch]
    assert rows == [(i, str(2 * i)) for batch in numbered(60) for i in batch]


def test_only_the_row_that_kills_its_worker_is_given_up(engine: Engine) -> None:
    batches = [[1, 2], [3, KILLS, 4], [5, TOO_LARGE, 6], [7]]
    rows = [row for batch in engine.map(Doubling(), batches) for row in batch]
    told = {KILLS: "worker-lost", TOO_LARGE: "out-of-memory"}
    assert rows == [(i, told.get(i, str(2 * i))) for batch in batches for i in batch]


def test_ticks_count_rows_and_nothing_is_nothing(engine: Engine) -> None:
    ticks: list[int] = []
    assert not list(engine.map(Doubling(), [])) and len(list(engine.map(Doubling(), numbered(4), ticks.append))) == 4
    assert sum(ticks) == 12


def test_texts_are_embedded_the_same(engine: Engine) -> None:
    import torch

    torch.set_num_threads(1)
    texts = [f"a picture of {i} {'things ' * (i % 40)}" for i in range(1100)]
    here, there = (CachedEmbedder(MiniLM(), Store(None), engine=e).embed_texts(texts) for e in (LOCAL, engine))
    assert np.array_equal(here, there)


def test_a_worker_that_cannot_do_it_says_why(engine: Engine) -> None:
    with pytest.raises(StepError, match=r"no weights here(.|\n)*Copy them(.|\n)*every machine"):
        list(engine.map(Doubling(openable=False), numbered(3)))


def test_more_than_any_machine_has_is_said_before_anything_is_sent(cluster: Any) -> None:
    with pytest.raises(StepError, match=r"0\.5 CPUs and 1 GPUs.*has \d+ and 0"):
        list(open_engine(Place("ray:auto", ray_gpus=1)).map(Doubling(), numbered(3)))
