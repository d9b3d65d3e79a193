"""What can be said about vLLM where it is not installed; the rest is in tests/vllm, run by `make test-vllm`."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from ictc.errors import MissingExtra, SpecError
from ictc.modeloptions import ModelOptions
from ictc.models import vllm
from ictc.registry import model

pytestmark = pytest.mark.skipif(find_spec("vllm") is not None, reason="vLLM is installed here: see tests/vllm")


def test_without_a_gpu_the_next_command_is_another_spec(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm, "DEVICES", ("/dev/no-such-device",))
    with pytest.raises(SpecError, match="needs a GPU") as raised:
        model("vllm:Qwen/Qwen3-8B", ModelOptions())
    assert "vllm serve Qwen/Qwen3-8B" in raised.value.hint
    assert "openai:Qwen/Qwen3-8B@http" in raised.value.hint
    assert "hf:Qwen/Qwen3-8B" in raised.value.hint


def test_with_a_gpu_the_next_command_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm, "DEVICES", ("/dev/null",))
    with pytest.raises(MissingExtra) as raised:
        model("vllm:Qwen/Qwen3-8B", ModelOptions())
    assert raised.value.hint == "Run: pip install 'ictc[vllm]'"


def test_a_spec_without_a_model_is_refused() -> None:
    with pytest.raises(SpecError, match="names no model"):
        model("vllm:", ModelOptions())
