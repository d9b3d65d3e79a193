"""A model that dies at any moment: the other lane does the rest, and only the rest, and every image says so."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ictc.asking import StoredModel
from ictc.cli.fallback import ask_fallback
from ictc.errors import ModelGone
from ictc.fallback import FallbackDescriber, FallbackReasoner, fell_back
from ictc.interfaces import Describer, Evidence, Reasoner, Vectors
from ictc.models.minilm import MiniLM
from ictc.reasoners.embedding import EmbeddingReasoner
from ictc.store import Store
from ictc.types import GONE, Assignment, Cluster, Description, Failure, Item, Label, Taxonomy
from tests.unit.asking_steps import Mortal, Steps, words

KINDS = ("dog", "car", "tree")
ITEMS = [Item(f"{i}_{KINDS[i % 3]}.png", sha256=str(i)) for i in range(9)]
DESCRIPTIONS = [Description(i.name, f"{i.name[2:-4]} number {i.sha256}", "test:model") for i in ITEMS]
TAXONOMY = Taxonomy("thing", [Cluster(k) for k in KINDS])
SPEC = "openai:gpt-4o"


class Second(Steps):
    """The other lane, which measured something too."""

    def __init__(self) -> None:
        super().__init__(Mortal(words), "offline")

    def evidence(self, descriptions: Sequence[Description], criterion: str) -> Vectors | None:
        import numpy as np

        return np.ones((len(descriptions), 1), np.float32)


def describer(life: int, code: str = "unreachable") -> FallbackDescriber:
    return FallbackDescriber(Steps(Mortal(words, life, code)), Second(), SPEC)


def reasoner(life: int, code: str = "unreachable") -> FallbackReasoner:
    return FallbackReasoner(Steps(Mortal(words, life, code), SPEC), Second(), SPEC, Store(None))


@pytest.mark.parametrize("life", [0, 4, 9])
@pytest.mark.parametrize("code", sorted(GONE))
def test_described_in_order_by_whom_it_says(life: int, code: str) -> None:
    ticks: list[int] = []
    found = describer(life, code).describe(ITEMS, "thing", ticks.append)
    assert [f.image for f in found] == [i.name for i in ITEMS]
    models = [f.model for f in found if isinstance(f, Description)]
    assert models == ["test:model"] * life + [f"offline ({SPEC} {code})"] * (9 - life)
    assert sum(ticks) == 9 and fell_back(descriptions=found) == 9 - life  # type: ignore[arg-type]


@pytest.mark.parametrize("life", [0, 4, 9])
def test_assigned_in_order_by_whom_it_says(life: int) -> None:
    found = reasoner(life, "quota").assign(DESCRIPTIONS, TAXONOMY, "thing")
    assert [(f.image, f.cluster) for f in found if isinstance(f, Assignment)] == [
        (d.image, d.text.split()[0]) for d in DESCRIPTIONS
    ]
    by = [f.by for f in found if isinstance(f, Assignment)]
    assert by == [SPEC] * life + [f"offline ({SPEC} quota)"] * (9 - life)
    assert fell_back(found) == 9 - life  # type: ignore[arg-type]


@pytest.mark.parametrize("code", ["timeout", "refused", "rate-limited"])
def test_other_failures_stay_failures(code: str) -> None:
    found = describer(3, code).describe(ITEMS, "thing")
    assert [f.code for f in found if isinstance(f, Failure)] == [code] * 6
    assert fell_back(descriptions=[f for f in found if isinstance(f, Description)]) == 0


def test_a_label_of_the_other_lane_marks_the_image_though_the_model_is_back() -> None:
    store, model = Store(None), Mortal(words, 5)
    labels = FallbackReasoner(Steps(model, SPEC), Second(), SPEC, store).label(DESCRIPTIONS, "thing")
    assert [x.label for x in labels if isinstance(x, Label)] == [d.text.split()[0] for d in DESCRIPTIONS]
    model.life = 10**9
    later = FallbackReasoner(Steps(model, SPEC), Second(), SPEC, store)  # as step 3 in a process of its own
    found = later.assign(DESCRIPTIONS, TAXONOMY, "thing")
    by = [f.by for f in found if isinstance(f, Assignment)]
    assert by == [SPEC] * 5 + [f"{SPEC} (label: {SPEC} unreachable)"] * 4
    assert fell_back(found) == 4  # type: ignore[arg-type]
    later.label(DESCRIPTIONS, "thing")  # now by the model itself
    assert fell_back(later.assign(DESCRIPTIONS, TAXONOMY, "thing")) == 0  # type: ignore[arg-type]


def test_names_of_the_other_lane_mark_every_image_until_the_model_gives_the_same() -> None:
    store, model = Store(None), Mortal(words, 9)
    both = FallbackReasoner(Steps(model, SPEC), Second(), SPEC, store)
    labels = [x for x in both.label(DESCRIPTIONS, "thing") if isinstance(x, Label)]
    taxonomy = both.merge(DESCRIPTIONS, labels, "thing", 3)
    assert taxonomy.names == sorted(KINDS)
    model.life = 10**9
    found = [f for f in both.assign(DESCRIPTIONS, taxonomy, "thing") if isinstance(f, Assignment)]
    assert {f.by for f in found} == {f"{SPEC} (names: {SPEC} gone)"} and fell_back(found) == 9
    taxonomy = both.merge(DESCRIPTIONS, labels, "thing", 3)
    assert fell_back(both.assign(DESCRIPTIONS, taxonomy, "thing")) == 0  # type: ignore[arg-type]


def test_when_the_model_is_back_only_what_it_left_is_asked_again() -> None:
    with Store(None) as store:
        dying, back = Mortal(words, 4), Mortal(words)
        for model, left in ((dying, 5), (back, 0)):
            both = FallbackReasoner(Steps(StoredModel(model, store), SPEC), Second(), SPEC, store)
            found = both.assign(DESCRIPTIONS, TAXONOMY, "thing")
            assert fell_back(found) == left  # type: ignore[arg-type]
        assert (dying.asked, back.asked) == (4, 5)


def test_offline_embeddings_take_over_from_a_vision_model() -> None:
    offline = EmbeddingReasoner(MiniLM())
    both = FallbackReasoner(Steps(Mortal(words, 0), SPEC), offline, SPEC, Store(None))
    described = [Description(d.image, f"A {d.text.split()[0]} stands there.", "openai:vision") for d in DESCRIPTIONS]
    labels = [x for x in both.label(described, "kind of thing") if isinstance(x, Label)]
    assert {x.by for x in labels} == {f"offline ({SPEC} unreachable)"}
    taxonomy = both.merge(described, labels, "kind of thing", 3)
    found = [f for f in both.assign(described, taxonomy, "kind of thing") if isinstance(f, Assignment)]
    groups = {d.text.split()[0]: set[str | None]() for d in DESCRIPTIONS}
    for d, f in zip(DESCRIPTIONS, found, strict=True):
        groups[d.text.split()[0]].add(f.cluster)
    assert all(len(g) == 1 for g in groups.values()) and len({min(map(str, g)) for g in groups.values()}) == 3
    assert {f.by for f in found} == {f"offline ({SPEC} unreachable)"}


def test_evidence_only_where_the_other_lane_described_all() -> None:
    for life, there in ((0, True), (4, False), (9, False)):
        both = describer(life)
        found = [f for f in both.describe(ITEMS, "thing") if isinstance(f, Description)]
        assert isinstance(both, Evidence)
        assert (both.evidence(found, "thing") is not None) == there
    assert describer(0).evidence([], "thing") is None


def test_a_run_with_a_fallback_is_the_same_run() -> None:
    one: Describer | Reasoner
    for one in (describer(0), reasoner(0)):
        assert one.fingerprint == "steps/mortal/1"


def test_nobody_is_asked_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.confirm", lambda *a, **k: pytest.fail("asked"))
    assert ask_fallback(ModelGone("gone"), interactive=False) is False
    assert ask_fallback(ModelGone("gone")) is False  # under pytest standard input is no terminal


@pytest.mark.parametrize(("typed", "answer"), [("y\n", True), ("n\n", False), ("\n", False), ("", False)])
def test_on_a_terminal_the_person_decides(typed: str, answer: bool) -> None:
    import typer
    from typer.testing import CliRunner

    app = typer.Typer()

    @app.command()
    def main() -> None:
        print("answer:", ask_fallback(ModelGone("It is gone."), interactive=True))

    result = CliRunner().invoke(app, input=typed)
    assert f"answer: {answer}" in result.stdout and "[y/N]" in result.stderr and "It is gone." in result.stderr
