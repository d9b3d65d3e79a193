"""Given names around a reasoner that knows nothing of them."""

from __future__ import annotations

import pytest

from ictc.embed.cached import CachedEmbedder
from ictc.errors import UsageError
from ictc.models.minilm import MiniLM
from ictc.namelist import Names
from ictc.reasoners.embedding import EmbeddingReasoner
from ictc.reasoners.named import NamedReasoner
from ictc.store import Store
from ictc.types import Assignment, Cluster, Description, Label

KINDS = ("dog", "cat", "truck")
DESCRIPTIONS = [Description(f"{i}.png", f"A {KINDS[i % 3]} in picture {i}.", "t") for i in range(12)]


@pytest.fixture(scope="module")
def embedder() -> CachedEmbedder:
    return CachedEmbedder(MiniLM(), Store(None))


def test_a_closed_list_is_the_taxonomy_offline_too(embedder: CachedEmbedder) -> None:
    reasoner = NamedReasoner(EmbeddingReasoner(embedder), Names((Cluster("animal"), Cluster("vehicle"))), embedder)
    labels = [x for x in reasoner.label(DESCRIPTIONS, "object") if isinstance(x, Label)]
    taxonomy = reasoner.merge(DESCRIPTIONS, labels, "object", None)
    assert taxonomy.names == ["animal", "vehicle"]
    found = reasoner.assign(DESCRIPTIONS, taxonomy, "object")
    assert [a.cluster for a in found if isinstance(a, Assignment)] == ["animal", "animal", "vehicle"] * 4
    with pytest.raises(UsageError, match="exactly 2"):
        reasoner.merge(DESCRIPTIONS, labels, "object", 3)


def test_an_open_list_takes_the_places_of_what_means_the_same(embedder: CachedEmbedder) -> None:
    reasoner = NamedReasoner(EmbeddingReasoner(embedder), Names((Cluster("Lorry"),), open=True), embedder)
    labels = [x for x in reasoner.label(DESCRIPTIONS, "object") if isinstance(x, Label)]
    taxonomy = reasoner.merge(DESCRIPTIONS, labels, "object", 3)
    assert taxonomy.names[0] == "Lorry" and taxonomy.clusters[0].labels == {"truck": 4}
    assert set(taxonomy.names[1:]) == {"dog", "cat"}
    assert reasoner.merge(DESCRIPTIONS, labels, "object", 1).names == ["Lorry"]


def test_names_are_part_of_its_identity(embedder: CachedEmbedder) -> None:
    inner = EmbeddingReasoner(embedder)
    lists = [Names((Cluster("a"),)), Names((Cluster("a", "b"),)), Names((Cluster("a"),), open=True)]
    assert len({NamedReasoner(inner, names, embedder).fingerprint for names in lists}) == 3
