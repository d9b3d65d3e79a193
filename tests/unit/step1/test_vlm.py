"""Any vision model as a describer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ictc.asking import StoredModel
from ictc.embed.cached import CachedEmbedder
from ictc.errors import SpecError
from ictc.models.minilm import MiniLM
from ictc.prompts import Prompts
from ictc.registry import DescriberContext, describer
from ictc.store import Store
from ictc.types import Description, Failure, Item, Reply, Request
from step1.vlm import VlmDescriber
from tests.talking import Said, Talking

ITEMS = [Item(f"{i}.png", Path(f"/nowhere/{i}.png"), f"sha{i}") for i in range(6)]


def look(request: Request) -> Said:
    assert request.image is not None
    if request.schema is None:
        return f"<think>hm</think>It is {request.image.name}."
    ids = request.schema["required"]
    return json.dumps({i: f"{request.image.name} by {i}" for i in ids})


def make(model: Talking, **options: object) -> VlmDescriber:
    return VlmDescriber(model, Prompts(), "openai:seer", **options)  # type: ignore[arg-type]


def test_one_request_per_image_in_order() -> None:
    model, done = Talking(look), list[int]()
    found = make(model).describe(ITEMS, "mood", done.append)
    assert found == [Description(i.name, f"It is {i.name}.", "openai:seer", i.sha256) for i in ITEMS]
    assert sum(done) == len(ITEMS) == len(model.asked)
    assert "mood" in model.asked[0].system and len({r.system for r in model.asked}) == 1


def test_failures_stand_in_place() -> None:
    said = {
        "0.png": Failure("", "image", "truncated", "Cut off."),
        "1.png": Failure("", "describe", "rate-limited", "Wait.", retryable=True),
        "2.png": "",
        "3.png": "I’m sorry, I can’t help with identifying people.",
        "4.png": Reply("A long story of a", "length"),
    }
    nothing = Item("none.png", None, "")
    model = Talking(lambda r: said.get(r.image.name, "Calm.") if r.image else "?")
    found = make(model).describe([*ITEMS, nothing], "mood")
    failures = [(f.image, f.stage, f.code, f.retryable) for f in found if isinstance(f, Failure)]
    assert failures == [
        ("0.png", "image", "truncated", False),
        ("1.png", "describe", "rate-limited", True),
        ("2.png", "describe", "empty", False),
        ("3.png", "describe", "refused", False),
        ("none.png", "image", "missing-file", False),
    ]
    assert [d.text for d in found if isinstance(d, Description)] == ["A long story of a", "Calm."]


def test_thinking_that_was_cut_off_gets_more_room() -> None:
    model = Talking(lambda r: Reply("<think>so", "length") if r.max_tokens < 1000 else "Calm.")
    assert [d.text for d in make(model).describe(ITEMS[:1], "mood") if isinstance(d, Description)] == ["Calm."]
    endless = Talking(lambda r: Reply("<think>so", "length"))
    (found,) = make(endless).describe(ITEMS[:1], "mood")
    assert isinstance(found, Failure) and found.code == "truncated" and len(endless.asked) == 2


def test_several_criteria_in_one_look() -> None:
    model, store = Talking(look), Store(None)
    both = VlmDescriber(StoredModel(model, store), Prompts(), "openai:seer", together=["mood", "place"])
    for n, criterion in enumerate(["mood", "place"], 1):
        found = both.describe(ITEMS, criterion)
        assert [d.text for d in found if isinstance(d, Description)] == [f"{i.name} by {n}" for i in ITEMS]
    assert len(model.asked) == len(ITEMS)
    assert '"mood"' in model.asked[0].system and '"place"' in model.asked[0].system
    assert both.fingerprint != make(model).fingerprint
    alone = both.describe(ITEMS[:1], "colour")
    assert isinstance(alone[0], Description) and alone[0].text == "It is 0.png."


def test_a_look_that_cannot_be_taken_apart_is_repeated_for_one_criterion() -> None:
    model = Talking(lambda r: "A calm lake." if r.schema is None or r.image == ITEMS[1] else look(r))
    found = make(model, together=["mood", "place"]).describe(ITEMS[:3], "place")
    assert [d.text for d in found if isinstance(d, Description)] == ["0.png by 2", "A calm lake.", "2.png by 2"]
    assert len(model.asked) == 4


def test_made_by_its_spec() -> None:
    store, specs = Store(None), list[str]()

    def open_model(spec: str) -> Talking:
        specs.append(spec)
        return Talking(look)

    context = DescriberContext(store, CachedEmbedder(MiniLM(), store), open_model=open_model)
    (found,) = describer("vlm:openai:seer", context).describe(ITEMS[:1], "mood")
    assert isinstance(found, Description) and found.model == "openai:seer" and specs == ["openai:seer"]
    with pytest.raises(SpecError, match="needs a model"):
        describer("vlm:", context)
