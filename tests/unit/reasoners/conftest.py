"""One text model for all tests of the reasoner: loading it takes a second."""

from __future__ import annotations

import pytest

from ictc.embed.cached import CachedEmbedder
from ictc.interfaces import Embedder
from ictc.models.minilm import MiniLM
from ictc.store import Store


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return CachedEmbedder(MiniLM(), Store(None))
