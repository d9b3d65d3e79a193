"""The cascade's steps, with a real text model beneath and a language model that answers by rule."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from ictc.allowance import Allowance
from ictc.asking import StoredModel
from ictc.errors import ModelGone, StepError
from ictc.interfaces import Embedder
from ictc.prompts import Prompts
from ictc.reasoners.cascade import CascadeReasoner
from ictc.reasoners.cascade.plan import parse_budget
from ictc.reasoners.embedding import EmbeddingReasoner
from ictc.reasoners.llm import LlmReasoner
from ictc.store import Store
from ictc.types import Assignment, Description, Failure, Label, Request
from tests.talking import Said, Talking, sensible

THINGS = ("cat", "truck", "guitar")
PLACES = ("on a roof", "near the sea", "in a hall", "under a tree", "by the door", "in the snow", "at night")


def shown(n: int) -> list[Description]:
    texts = [f"A {THINGS[i % 3]} {PLACES[i % 7]} with a {THINGS[i % 3]} beside it." for i in range(n)]
    return [Description(f"{i}.png", text, "recorded") for i, text in enumerate(texts)]


def tell(text: str) -> str:
    return next((thing for thing in THINGS if thing in text), "thing")


class Cascade:
    """A cascade and the model that it asks."""

    def __init__(
        self, embedder: Embedder, budget: str, rule: Callable[[Request], Said] | None = None, store: Store | None = None
    ) -> None:
        self.model = Talking(rule or sensible(tell))
        allowance = Allowance(StoredModel(self.model, store or Store(None)))
        strong = LlmReasoner(allowance, Prompts(), by="model")
        self.reasoner = CascadeReasoner(EmbeddingReasoner(embedder), strong, allowance, parse_budget(budget))

    def all(self, descriptions: list[Description], k: int = 3) -> list[Assignment | Failure]:
        labels = [x for x in self.reasoner.label(descriptions, "object") if isinstance(x, Label)]
        known = {x.image for x in labels}
        left = [d for d in descriptions if d.image in known]
        taxonomy = self.reasoner.merge(left, labels, "object", k)
        return self.reasoner.assign(left, taxonomy, "object")

    def stages(self) -> list[str]:
        return [r.stage for r in self.model.asked]


@pytest.mark.parametrize("budget", ["0", "1", "3", "19", "20", "21", "30", "10%", "100%"])
def test_all_steps_together_stay_within_the_budget(embedder: Embedder, budget: str) -> None:
    cascade, n = Cascade(embedder, budget), 84
    found = cascade.all(shown(n))
    most = int(budget) if budget[-1] != "%" else int((2 * n + 1) * int(budget[:-1]) / 100)
    assert len(cascade.model.asked) <= most
    assert [f.image for f in found] == [d.image for d in shown(n)]
    assert all(isinstance(f, Assignment) and f.cluster in THINGS for f in found)
    bargain = cascade.reasoner.bargain
    assert bargain is not None and (bargain.budget, bargain.images) == (budget, n)


def test_a_label_is_that_of_the_nearest_in_the_sample(embedder: Embedder) -> None:
    cascade, descriptions = Cascade(embedder, "40"), shown(84)
    labels = cascade.reasoner.label(descriptions, "object")
    assert [x.image for x in labels] == [d.image for d in descriptions]
    assert [x.label for x in labels if isinstance(x, Label)] == [tell(d.text) for d in descriptions]
    assert 0 < len(cascade.model.asked) <= 10


def test_a_label_says_whose_it_is(embedder: Embedder) -> None:
    cascade, descriptions = Cascade(embedder, "40"), shown(84)  # 21 different texts, each of four images
    labels = cascade.reasoner.label(descriptions, "object")
    asked = {json.loads(r.user.splitlines()[-1])["description"] for r in cascade.model.asked}
    assert [x.by for x in labels if isinstance(x, Label)] == [
        "model" if d.text in asked else "offline" for d in descriptions
    ]
    assert 0 < len(asked) < 21


def test_descriptions_that_say_nothing_fail_and_change_no_plan(embedder: Embedder) -> None:
    blank = [Description(f"blank{i}.png", "...", "recorded") for i in range(60)]
    mixed = [d for pair in zip(shown(60), blank, strict=True) for d in pair]
    cascade, clean = Cascade(embedder, "40%"), Cascade(embedder, "40%")
    labels = cascade.reasoner.label(mixed, "object")
    assert [f.code for f in labels if isinstance(f, Failure)] == ["empty-description"] * 60
    found = cascade.all(mixed)
    assert found == clean.all(shown(60))
    assert [r.content for r in cascade.model.asked] == [r.content for r in clean.model.asked]


def test_equal_descriptions_are_asked_about_once_and_get_equal_answers(embedder: Embedder) -> None:
    some = shown(21)
    descriptions = [Description(f"{i}.png", some[i * i % 21].text, "recorded") for i in range(100)]
    cascade = Cascade(embedder, "100%")
    found = cascade.all(descriptions)
    assert len({(r.stage, r.user) for r in cascade.model.asked}) == len(cascade.model.asked)
    of: dict[str, set[tuple[str | None, str, float | None]]] = {}
    for d, f in zip(descriptions, found, strict=True):
        assert isinstance(f, Assignment)
        of.setdefault(d.text, set()).add((f.cluster, f.by, f.confidence))
    assert all(len(answers) == 1 for answers in of.values())


def test_what_stands_in_the_store_is_not_asked_and_changes_nothing(embedder: Embedder) -> None:
    store = Store(None)
    first = Cascade(embedder, "40", store=store)
    found = first.all(shown(84))
    again = Cascade(embedder, "40", store=store)
    assert again.all(shown(84)) == found and again.model.asked == []
    assert again.reasoner.bargain == first.reasoner.bargain
    more = Cascade(embedder, "80", store=store)
    more.all(shown(84))
    new = [r.content for r in more.model.asked]
    assert all(content not in [r.content for r in first.model.asked] for content in new)


def test_confidence_is_of_the_offline_answers_alone_and_a_share(embedder: Embedder) -> None:
    for found in Cascade(embedder, "60").all(shown(84)):
        assert isinstance(found, Assignment)
        assert (found.confidence is None) == (found.by == "model")
        assert found.confidence is None or 0 <= found.confidence <= 1


def test_names_that_no_budget_suffices_for_ask_for_a_larger_one(embedder: Embedder) -> None:
    def rule(request: Request) -> Said:
        return json.dumps({"categories": []}) if request.stage == "merge" else sensible(tell)(request)

    with pytest.raises(StepError) as lost:
        Cascade(embedder, "1", rule).all(shown(84))
    assert "--budget" in lost.value.hint
    with pytest.raises(StepError) as lost:
        Cascade(embedder, "19", rule).all(shown(84))
    assert "--names" in lost.value.hint, "two tries were within the budget: more of it would not help"


@pytest.mark.parametrize("stage", ["label", "merge", "assign"])
def test_a_model_that_is_gone_is_told_whatever_the_step(embedder: Embedder, stage: str) -> None:
    def rule(request: Request) -> Said:
        gone = request.stage == stage
        return Failure("", request.stage, "unreachable", "no answer") if gone else sensible(tell)(request)

    cascade = Cascade(embedder, "40", rule)
    if stage == "merge":
        with pytest.raises(ModelGone):
            cascade.all(shown(84))
        return
    found = cascade.all(shown(84)) if stage == "assign" else cascade.reasoner.label(shown(84), "object")
    assert len(found) == 84
    assert {f.code for f in found if isinstance(f, Failure)} == {"unreachable"}
    assert all(isinstance(f, Failure) for f in found)


def test_its_fingerprint_is_of_all_that_can_change_an_answer(embedder: Embedder) -> None:
    prints = {Cascade(embedder, budget).reasoner.fingerprint for budget in ("5%", "10%", "500")}
    assert len(prints) == 3 and Cascade(embedder, "5 %").reasoner.fingerprint in prints


def test_an_audited_answer_off_the_list_counts_when_nothing_is_left_to_ask_again(embedder: Embedder) -> None:
    def rule(request: Request) -> Said:
        return json.dumps({"category": "none of them"}) if request.stage == "assign" else sensible(tell)(request)

    cascade = Cascade(embedder, "40", rule)
    cascade.all(shown(84))
    bargain = cascade.reasoner.bargain
    assert bargain is not None and bargain.audited > 0
    assert bargain.disagreed == bargain.audited and bargain.disagreement == 1.0
