"""A Ray cluster of several nodes on this machine, in the environment that `make test-ray` makes; elsewhere these tests
are skipped."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from ictc.engine import Engine
from ictc.place import Place
from ictc.remote.opening import open_engine
from tests.tiny.fixture import tiny  # noqa: F401


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if find_spec("ray") is None:
        here = Path(__file__).parent
        for item in items:
            if here in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="Ray is not installed here; run: make test-ray"))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """Two nodes of one CPU each, and this process connected to them. Tests that kill a node add it first."""
    import ray
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.add_node(num_cpus=1)
    ray.init(address=made.address, log_to_driver=False, logging_level=logging.ERROR)
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture
def engine(cluster: Any) -> Engine:
    return open_engine(Place("ray:auto"))
