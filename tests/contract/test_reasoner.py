"""What every `Reasoner` keeps."""

from __future__ import annotations

import pytest

from ictc.asking import StoredModel
from ictc.embed.cached import CachedEmbedder
from ictc.interfaces import Reasoner
from ictc.models.minilm import MiniLM
from ictc.prompts import Prompts
from ictc.reasoners.embedding import EmbeddingReasoner
from ictc.reasoners.llm import LlmReasoner
from ictc.store import Store
from ictc.types import Assignment, Cluster, Description, Failure, Label, Taxonomy
from tests.talking import Talking, sensible

TEXTS = [
    *(f"A {thing} {place}." for place in ("in a park", "on a street", "at home") for thing in ("dog", "cat", "truck")),
    "",
    "A dog in a park.",
    "A truck \ud800.",
]
SILENT = TEXTS.index("")
CRITERION = "what kind of thing is shown"
DESCRIPTIONS = [Description(f"{i}.png", text, "test") for i, text in enumerate(TEXTS)]


def _kind(text: str) -> str:
    return next((kind for kind in ("dog", "cat", "truck") if kind in text), "nothing")


@pytest.fixture(scope="module", params=["offline", "model", "model, packed"])
def reasoner(request: pytest.FixtureRequest, minilm: MiniLM) -> Reasoner:
    if request.param == "offline":
        return EmbeddingReasoner(CachedEmbedder(minilm, Store(None)))
    model = StoredModel(Talking(sensible(_kind)), Store(None))
    return LlmReasoner(model, Prompts(), "talking", pack=3 if "packed" in request.param else 1)


@pytest.fixture(scope="module")
def labels(reasoner: Reasoner) -> list[Label]:
    return [x for x in reasoner.label(DESCRIPTIONS, CRITERION) if isinstance(x, Label)]


def test_label_in_order_and_failures_in_place(reasoner: Reasoner) -> None:
    done: list[int] = []
    found = reasoner.label(DESCRIPTIONS, CRITERION, done.append)
    assert [f.image for f in found] == [d.image for d in DESCRIPTIONS]
    assert [i for i, f in enumerate(found) if isinstance(f, Failure)] == [SILENT]
    assert all(f.label.strip() for f in found if isinstance(f, Label))
    assert found[0].label == found[10].label  # type: ignore[union-attr]
    assert sum(done) == len(DESCRIPTIONS)
    assert reasoner.label(DESCRIPTIONS, CRITERION) == found


@pytest.mark.parametrize("k", [1, 2, 3, 7])
def test_merge_gives_exactly_k_distinct_names(reasoner: Reasoner, labels: list[Label], k: int) -> None:
    taxonomy = reasoner.merge(DESCRIPTIONS, labels, CRITERION, k)
    assert taxonomy.k == len({n.casefold() for n in taxonomy.names}) == k
    assert all(n.strip() for n in taxonomy.names)
    assert taxonomy.criterion == CRITERION and taxonomy.choice is None
    assert reasoner.merge(DESCRIPTIONS, labels, CRITERION, k) == taxonomy


def test_merge_says_why_where_it_chose_k(reasoner: Reasoner, labels: list[Label]) -> None:
    taxonomy = reasoner.merge(DESCRIPTIONS, labels, CRITERION, None)
    assert taxonomy.choice is not None
    assert taxonomy.choice.k == taxonomy.k and taxonomy.choice.reason and taxonomy.choice.method


@pytest.mark.parametrize("names", [["dog", "cat", "truck"], ["vehicle", "animal"], ["anything"]])
def test_assign_keeps_to_the_list(reasoner: Reasoner, names: list[str]) -> None:
    taxonomy = Taxonomy(CRITERION, [Cluster(name) for name in names])
    done: list[int] = []
    found = reasoner.assign(DESCRIPTIONS, taxonomy, CRITERION, done.append)
    assert [f.image for f in found] == [d.image for d in DESCRIPTIONS]
    assert [i for i, f in enumerate(found) if isinstance(f, Failure)] == [SILENT]
    answers = [f for f in found if isinstance(f, Assignment)]
    assert {a.cluster for a in answers} <= {*names, None}
    assert all(a.confidence is None or 0 <= a.confidence <= 1 for a in answers)
    assert (found[0].cluster, found[0].confidence) == (found[10].cluster, found[10].confidence)  # type: ignore[union-attr]
    assert sum(done) == len(DESCRIPTIONS)
    assert reasoner.assign(DESCRIPTIONS, taxonomy, CRITERION) == found


def test_nothing_in_nothing_out(reasoner: Reasoner) -> None:
    assert reasoner.label([], CRITERION) == []
    assert reasoner.assign([], Taxonomy(CRITERION, [Cluster("dog")]), CRITERION) == []


def test_the_fingerprint_does_not_change_by_use(reasoner: Reasoner) -> None:
    before = reasoner.fingerprint
    reasoner.label(DESCRIPTIONS, CRITERION)
    assert isinstance(before, str)
    assert reasoner.fingerprint == before != ""
