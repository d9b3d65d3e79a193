"""The contract of all models (tests/contract/test_model.py) over vLLM: in this process, and through its server."""

from __future__ import annotations

from pathlib import Path

import pytest

from ictc.modeloptions import ModelOptions
from ictc.registry import model

pytest.register_assert_rewrite("tests.contract.test_model")

from tests.contract.test_model import *  # noqa: E402, F403
from tests.contract.test_model import Make  # noqa: E402


@pytest.fixture(params=["vllm", "vllm-server"])
def make(request: pytest.FixtureRequest, tiny_llama: Path) -> Make:
    """Opens the backend anew."""
    options = ModelOptions(device="cpu", concurrency=4, batch_size=64)
    if request.param == "vllm":
        return lambda: model(f"vllm:{tiny_llama}", options)
    spec = f"openai:{tiny_llama}@{request.getfixturevalue('vllm_server')}"
    return lambda: model(spec, options)


@pytest.fixture
def sees() -> bool:
    return False
