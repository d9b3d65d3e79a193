"""One text model for all contracts: loading it takes a second."""

from __future__ import annotations

import pytest

from ictc.models.minilm import MiniLM
from tests.tiny.fixture import tiny

__all__ = ["minilm", "tiny"]


@pytest.fixture(scope="session")
def minilm() -> MiniLM:
    return MiniLM()
