"""Broader groups beside the K names: whatever becomes of the groups, the names stay."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ictc.allowance import Allowance
from ictc.asking import StoredModel
from ictc.errors import BudgetSpent, ModelGone, StepError, UsageError
from ictc.interfaces import Embedder
from ictc.namelist import Names
from ictc.prompts import Prompts
from ictc.reasoners.cascade import CascadeReasoner
from ictc.reasoners.cascade.plan import parse_budget
from ictc.reasoners.embedding import EmbeddingReasoner
from ictc.reasoners.grouping import NameGrouper
from ictc.reasoners.levels import LevelledReasoner, as_labels, check_groups, groups_of
from ictc.reasoners.llm import LlmReasoner
from ictc.store import Store
from ictc.types import Cluster, Description, Failure, Label, Request, Taxonomy
from tests.talking import Said, Talking, about, data_of, sensible

KINDS = {
    "dog": "animals",
    "cat": "animals",
    "horse": "animals",
    "car": "vehicles",
    "bus": "vehicles",
    "ship": "vehicles",
}
PLACES = ("on a roof", "near the sea", "in a hall", "under a tree", "by the door", "in the snow", "at night")


def shown(n: int) -> tuple[list[Description], list[Label]]:
    names = list(KINDS)
    texts = [f"A {names[i % 6]} {PLACES[i % 7]}." for i in range(n)]
    labels = [Label(f"{i}.png", names[i % 6]) for i in range(n)]
    return [Description(f"{i}.png", text, "recorded") for i, text in enumerate(texts)], labels


def tell(text: str) -> str:
    return next((name for name in KINDS if name in text), "thing")


def is_grouping(request: Request) -> bool:
    return request.stage == "merge" and "broader groups" in request.system


def knowing(request: Request) -> Said:
    """Answers as one who knows the kinds; names are the commonest labels, all told."""
    if not is_grouping(request):
        return sensible(tell)(request)
    rows = data_of(request)["labels"]
    groups = [{"name": g, "about": "", "labels": [r["id"] for r in rows if KINDS.get(r["label"], "vehicles") == g]}
              for g in ("animals", "vehicles")]  # fmt: skip
    return json.dumps({"categories": groups})


def instead(said: Said) -> Callable[[Request], Said]:
    return lambda request: said if is_grouping(request) else knowing(request)


def levelled(model: Talking | Allowance, names: Names | None = None, language: str = "") -> LevelledReasoner:
    first = LlmReasoner(model, Prompts(), "model", names, language)
    return LevelledReasoner(first, LlmReasoner(model, Prompts(), "model", language=language, naming="merge/groups"))


def groups(taxonomy: Taxonomy) -> dict[str, str]:
    return {c.name: c.group for c in taxonomy.clusters}


def test_a_model_is_asked_once_more_with_its_names_as_labels() -> None:
    model = Talking(knowing)
    found = levelled(model).merge(*shown(30), "object", 6)
    assert groups(found) == KINDS and found.remark == ""
    assert [is_grouping(r) for r in model.asked] == [False, True]
    asked = model.asked[1]
    assert "exactly 2 names" in asked.system and "clustered with regard to this question: object" in asked.system
    assert "in the language that the names are in" in asked.system
    assert {(r["label"], r["images"]) for r in data_of(asked)["labels"]} == {(name, 5) for name in KINDS}
    plain = LlmReasoner(Talking(knowing), Prompts(), "model").merge(*shown(30), "object", 6)
    assert [(c.name, c.about, c.labels) for c in found.clusters] == [
        (c.name, c.about, c.labels) for c in plain.clusters
    ]


def test_a_language_that_was_asked_for_is_that_of_the_groups() -> None:
    model = Talking(knowing)
    levelled(model, language="Korean").merge(*shown(30), "object", 6)
    assert "words in Korean" in model.asked[1].system and "that the names are in" not in model.asked[1].system


def test_given_names_are_grouped_also_those_of_no_image() -> None:
    names = Names(tuple(map(Cluster, KINDS)))
    descriptions, labels = shown(30)
    model = Talking(knowing)
    found = levelled(model, names).merge(descriptions, [x for x in labels if x.label != "ship"], "object", None)
    assert groups(found) == KINDS and len(model.asked) == 1


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("I would rather not.", "The model twice gave no 2 distinct names."),
        (json.dumps({"categories": [{"name": "x"}, {"name": "X"}]}), "Names must be distinct"),
        (Failure("", "merge", "refused", "No."), "No."),
        (Failure("", "merge", "server-error", "Overloaded.", retryable=True), "Overloaded."),
    ],
)
def test_groups_that_fail_cost_no_names(said: Said, why: str) -> None:
    found = levelled(Talking(instead(said))).merge(*shown(30), "object", 6)
    assert sorted(found.names) == sorted(KINDS) and set(groups(found).values()) == {""}
    assert found.remark.startswith("There are no groups: ") and why in found.remark


def test_a_name_that_the_model_puts_nowhere_has_no_group() -> None:
    def forgetful(request: Request) -> Said:
        if request.stage == "merge" and request.schema and "answers" in request.schema["properties"]:
            return "{}"
        said = knowing(request)
        if not is_grouping(request):
            return said
        found = json.loads(str(said))
        found["categories"][1]["labels"] = found["categories"][1]["labels"][1:]
        return json.dumps(found)

    found = levelled(Talking(forgetful)).merge(*shown(30), "object", 6)
    assert sorted(groups(found).values()) == ["", *["animals"] * 3, *["vehicles"] * 2]


def test_when_the_model_is_gone_the_spare_makes_the_groups_or_nobody(embedder: Embedder) -> None:
    class Gone:
        fingerprint = "gone"

        def merge(self, *_: object) -> Taxonomy:
            raise ModelGone("No route.", "Mend it.")

    inner = EmbeddingReasoner(embedder)
    with pytest.raises(ModelGone):
        LevelledReasoner(inner, Gone()).merge(*shown(30), "object", 6)
    found = LevelledReasoner(inner, Gone(), spare=NameGrouper(embedder)).merge(*shown(30), "object", 6)
    assert len(set(groups(found).values())) == 2 and "" not in groups(found).values()
    assert found.remark == "The groups are not the model's: No route."


def test_a_limit_on_money_stops_as_ever() -> None:
    def spent(request: Request) -> Said:
        if is_grouping(request):
            raise BudgetSpent("Spent.", "Allow more.")
        return knowing(request)

    with pytest.raises(BudgetSpent):
        levelled(Talking(spent)).merge(*shown(30), "object", 6)


@pytest.mark.parametrize(("k", "wanted"), [(2, 0), (3, 0), (4, 4), (5, 7)])
def test_too_few_names_stand_alone_and_nothing_is_asked(embedder: Embedder, k: int, wanted: int) -> None:
    class Nobody:
        fingerprint = "nobody"

        def merge(self, *_: object) -> Taxonomy:
            raise AssertionError

    found = LevelledReasoner(EmbeddingReasoner(embedder), Nobody(), wanted).merge(*shown(30), "object", k)
    assert found.k == k and not any(groups(found).values())
    assert found.remark == f"There are no groups: {wanted or 2} of {k} names would not be broader."


def test_about_the_root_of_k_unless_another_number_is_asked_for() -> None:
    assert [groups_of(k) for k in (4, 6, 9, 12, 20, 100)] == [2, 2, 3, 3, 4, 10]
    assert groups_of(100, 7) == 7


@pytest.mark.parametrize(
    ("levels", "wanted", "k"),
    [(0, 0, None), (3, 0, None), (2, 1, None), (2, -1, None), (2, 0, 3), (2, 5, 5), (2, 9, 5)],
)
def test_what_cannot_be_is_said_beforehand(levels: int, wanted: int, k: int | None) -> None:
    with pytest.raises(UsageError) as error:
        check_groups(levels, wanted, k)
    assert "-" in error.value.hint


@pytest.mark.parametrize(("levels", "wanted", "k"), [(1, 9, 3), (1, 0, None), (2, 0, 4), (2, 0, None), (2, 4, 5)])
def test_what_can_be_is_not_refused(levels: int, wanted: int, k: int | None) -> None:
    check_groups(levels, wanted, k)


def test_images_count_for_the_cluster_of_their_label() -> None:
    clusters = [Cluster("pet", labels={"dog": 2, "Cat": 1}), Cluster("car", labels={"car": 1}), Cluster("ship")]
    labels = [Label("a", "dog"), Label("b", "Cat"), Label("c", "car"), Label("d", "tree"), Label("e", "dog")]
    assert as_labels(clusters, labels) == [
        Label("a", "pet"), Label("b", "pet"), Label("c", "car"), Label("e", "pet"), Label("", "ship"),
    ]  # fmt: skip


def test_other_groups_are_another_question(embedder: Embedder) -> None:
    inner, model = EmbeddingReasoner(embedder), Talking(knowing)
    groupers = NameGrouper(embedder), LlmReasoner(model, Prompts(), "m", naming="merge/groups")
    found = {LevelledReasoner(inner, g, n).fingerprint for g in groupers for n in (0, 3)} | {inner.fingerprint}
    assert len(found) == 5
    assert LlmReasoner(model, Prompts(), "m").fingerprint != groupers[1].fingerprint


class Cascade:
    """A cascade with two levels, as `ictc.backends` makes it, and the model that it asks."""

    def __init__(self, embedder: Embedder, budget: str, names: Names | None = None) -> None:
        self.model = Talking(knowing)
        held = Allowance(StoredModel(self.model, Store(None)))
        cheap = EmbeddingReasoner(embedder)
        unpaid = LevelledReasoner(cheap, NameGrouper(embedder))
        self.reasoner = CascadeReasoner(
            cheap, levelled(held, names), held, parse_budget(budget), unpaid, names_given=names is not None, levels=2
        )

    def all(self, descriptions: Sequence[Description], k: int | None) -> Taxonomy:
        labels = [x for x in self.reasoner.label(descriptions, "object") if isinstance(x, Label)]
        taxonomy = self.reasoner.merge(descriptions, labels, "object", k)
        self.reasoner.assign(descriptions, taxonomy, "object")
        return taxonomy


@pytest.mark.parametrize("budget", [0, 1, 2, 3, 5, 21, 40, 80])
def test_a_cascade_stays_within_its_budget_groups_and_all(embedder: Embedder, budget: int) -> None:
    cascade = Cascade(embedder, str(budget))
    found = cascade.all(shown(84)[0], 6)
    assert len(cascade.model.asked) <= budget
    assert found.k == 6
    if budget == 1:
        assert not any(groups(found).values()) and "budget" in found.remark
    else:
        assert len(set(groups(found).values())) == 2 and "" not in groups(found).values() and not found.remark
    if budget >= 2:
        assert groups(found) == {name: KINDS.get(name, "vehicles") for name in found.names}


def test_a_cascade_with_all_names_given_keeps_a_request_for_groups(embedder: Embedder) -> None:
    cascade = Cascade(embedder, "10", Names(tuple(map(Cluster, KINDS))))
    assert groups(cascade.all(shown(84)[0], None)) == KINDS
    assert sum(map(is_grouping, cascade.model.asked)) == 1 and len(cascade.model.asked) <= 10


def test_the_prompt_for_groups_can_be_changed(tmp_path: Path) -> None:
    (tmp_path / "merge").mkdir()
    (tmp_path / "merge" / "groups.txt").write_text("Mine, broader groups.\n--- user ---\n{{ data }}\n")
    model = Talking(knowing)
    mine = LlmReasoner(model, Prompts(tmp_path), "model", naming="merge/groups")
    LevelledReasoner(LlmReasoner(model, Prompts(), "model"), mine).merge(*shown(30), "object", 6)
    assert model.asked[1].system == "Mine, broader groups."


def test_labels_and_assignments_are_those_of_the_reasoner_within(embedder: Embedder) -> None:
    inner, descriptions = LlmReasoner(Talking(lambda r: about(r, tell)), Prompts(), "m"), shown(12)[0]
    outer, taxonomy = LevelledReasoner(inner, NameGrouper(embedder)), Taxonomy("object", list(map(Cluster, KINDS)))
    assert outer.label(descriptions, "object") == inner.label(descriptions, "object")
    assert outer.assign(descriptions, taxonomy, "object") == inner.assign(descriptions, taxonomy, "object")
    assert outer.bargain is None


def test_names_that_cannot_be_found_fail_as_without_groups() -> None:
    with pytest.raises(StepError, match="no labels"):
        levelled(Talking(knowing)).merge([], [], "object", 6)
