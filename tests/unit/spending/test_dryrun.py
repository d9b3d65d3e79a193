"""The dry run: nothing is sent, what is stored is not counted, and what it says holds for the run that follows."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ictc.asking import StoredModel
from ictc.prompts import Prompts
from ictc.reasoners.llm.reasoner import LlmReasoner
from ictc.spending.counting import Counting
from ictc.spending.dryrun import estimate
from ictc.spending.estimate import Estimate, Lane, StepEstimate, duration
from ictc.spending.meter import Meter, Metered
from ictc.spending.prices import LOCAL, UNKNOWN, Pictures, Price
from ictc.store import Store
from ictc.types import Assignment, Description, Item, Label
from tests.unit.asking_steps import Mortal, Steps, words

PRICE = Price(1.0, 10.0, pictures=Pictures(tile=(85, 170)))
CRITERION = "thing"


def made(n: int, folder: Path | None = None) -> list[Item]:
    items = []
    for i in range(n):
        path = folder / f"{i}_{'abc'[i % 3]}_.png" if folder else None
        if path:
            Image.new("RGB", (512, 512)).save(path)
        items.append(Item(f"{i}_{'abc'[i % 3]}_.png", path, str(i)))
    return items


def dry(items: list[Item], store: Store, price: Price = PRICE, k: int | None = 3) -> Estimate:
    describing, reasoning = (Lane(Counting("mortal/1", price.pictures), price, f"openai:{i}") for i in "ab")
    describer, reasoner = (
        Steps(StoredModel(lane.counting, store)) for lane in (describing, reasoning) if lane.counting
    )
    return estimate(items, CRITERION, k, describer, reasoner, describing, reasoning)


def run(items: list[Item], store: Store, upto: int) -> Meter:
    """The first `upto` steps for real."""
    meter = Meter()
    steps = Steps(StoredModel(Metered(Mortal(words), meter, PRICE), store))
    if upto > 0:
        found = [d for d in steps.describe(items, CRITERION) if isinstance(d, Description)]
    if upto > 1:
        labels = [x for x in steps.label(found, CRITERION) if isinstance(x, Label)]
    if upto > 2:
        taxonomy = steps.merge(found, labels, CRITERION, 3)
    if upto > 3:
        assert all(isinstance(a, Assignment) for a in steps.assign(found, taxonomy, CRITERION))
    return meter


def likely(e: Estimate) -> dict[str, float]:
    return {s.stage: s.requests[1] for s in e.steps}


@pytest.mark.parametrize("n", [1, 10, 300, 1000])
def test_an_unstarted_run_counts_every_request(n: int) -> None:
    with Store(None) as store:
        said = likely(dry(made(n), store))
        assert said == {"describe": n, "label": n, "merge": 1, "assign": n}


@pytest.mark.parametrize(("upto", "left"), [(1, (0, 3, 1, 3)), (2, (0, 0, 1, 3)), (3, (0, 0, 0, 3)), (4, (0, 0, 0, 0))])
def test_what_is_stored_is_not_counted_and_the_rest_exactly(upto: int, left: tuple[int, ...]) -> None:
    items = made(12)  # three different descriptions: equal ones are asked once
    with Store(None) as store:
        run(items, store, upto)
        e = dry(items, store)
        assert tuple(likely(e).values()) == left
        assert e.steps[0].exact and e.steps[1].exact
        rest = run(items, store, 4).to_json()
    assert rest["requests"] == sum(left)


def test_a_run_that_was_cut_off_counts_what_is_missing() -> None:
    items = made(20)
    with Store(None) as store:
        run(items[:8], store, 1)
        assert likely(dry(items, store))["describe"] == 12


def test_nothing_is_written_to_the_store() -> None:
    items = made(5)
    with Store(None) as store:
        first = dry(items, store)
        assert dry(items, store).to_json() == first.to_json()


def test_pictures_are_counted_by_size(tmp_path: Path) -> None:
    with Store(None) as store:
        low, probable, high = dry(made(4, tmp_path), store).steps[0].input_tokens
        guessed = dry(made(4, tmp_path), store, LOCAL).steps[0].input_tokens
    assert 4 * 255 < probable < 4 * 290 and low == probable == high
    assert guessed[0] < guessed[1] < guessed[2]


def test_a_lane_without_a_model_asks_nothing_and_known_descriptions_are_used() -> None:
    texts = [Description(f"{i}.png", f"{'ab'[i % 2]} number {i}", "recorded") for i in range(6)]
    items = [Item(d.image) for d in texts]
    lane = Lane(Counting("mortal/1"), PRICE, "openai:b")
    with Store(None) as store:
        silent = Steps(Mortal(words))
        reasoner = Steps(StoredModel(lane.counting, store)) if lane.counting else silent
        e = estimate(items, CRITERION, 2, silent, reasoner, Lane(), lane, texts)
        assert likely(e) == {"describe": 0, "label": 6, "merge": 1, "assign": 6} and e.steps[1].exact
        offline = estimate(items, CRITERION, 2, silent, silent, Lane(), Lane())
    assert offline.requests == (0, 0, 0) and offline.cost == (0, 0, 0)
    assert offline.rows()[-1][-1] == "nothing to ask" and offline.time_line() == "No model would be asked."


def test_an_unknown_price_is_said_to_be_unknown_and_a_local_one_local() -> None:
    with Store(None) as store:
        e = dry(made(3), store, UNKNOWN)
        assert e.cost is None and e.to_json()["cost"] is None
        assert {row[-1] for row in e.rows()} == {"unknown price"}
        assert {row[-1] for row in dry(made(3), store, LOCAL).rows()} == {"local, no price"}
        assert "$" in dry(made(3), store).rows()[-1][-1]


@pytest.mark.parametrize(("pack", "requests"), [(1, (0, 40, 1, 40)), (8, (0, 5, 1, 5))])
def test_the_real_reasoner_is_counted_with_its_prompts_and_packs(pack: int, requests: tuple[int, ...]) -> None:
    items = made(40)
    texts = [Description(i.name, f"picture number {i.sha256}", "recorded") for i in items]
    with Store(None) as store:
        for known in (texts, None):
            counting = Counting("gpt/1")
            reasoner = LlmReasoner(StoredModel(counting, store), Prompts(), "openai:gpt", pack=pack)
            lane = Lane(counting, PRICE, "openai:gpt")
            e = estimate(items, CRITERION, 4, Steps(Mortal(words)), reasoner, Lane(), lane, known)
            assert tuple(likely(e).values()) == requests
            assert e.steps[1].output_tokens[1] == 40 * 10  # an answer for each image, whatever the packs


def test_the_choice_of_k_needs_no_k() -> None:
    with Store(None) as store:
        assert likely(dry(made(30), store, k=None))["assign"] == 30


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 400), st.one_of(st.none(), st.integers(1, 20)), st.sampled_from([PRICE, LOCAL]))
def test_low_is_at_most_likely_is_at_most_high_and_sums_are_sums(n: int, k: int | None, price: Price) -> None:
    with Store(None) as store:
        e = dry(made(n), store, price, k)
    for s in e.steps:
        threes = (s.requests, s.input_tokens, s.output_tokens, s.cost, s.seconds(8, 100))
        assert all(t is not None and 0 <= t[0] <= t[1] <= t[2] for t in threes)
    assert e.cost is not None
    for i in range(3):
        assert e.cost[i] == pytest.approx(sum((s.cost or (0, 0, 0))[i] for s in e.steps))
        assert e.requests[i] == sum(s.requests[i] for s in e.steps)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 300))
def test_a_real_run_lies_within_what_was_said(n: int) -> None:
    items = made(n)
    with Store(None) as store:
        e = dry(items, store)
        real = run(items, store, 4).to_json()
    assert e.cost is not None and real["cost"] <= e.cost[2] and real["requests"] <= e.requests[2]


def test_time_is_told_with_its_limits_and_not_for_models_in_this_process() -> None:
    step = StepEstimate("label", Lane(None, PRICE, "openai:x"), (600, 600, 600), (1, 1, 1), (0, 0, 0))
    assert Estimate([step], concurrency=60).seconds == pytest.approx((3, 6, 20))
    assert Estimate([step], concurrency=60, rpm=60).seconds == pytest.approx((600, 600, 600))
    here = StepEstimate("label", Lane(None, LOCAL, "vlm:hf:x"), (600, 600, 600))
    assert Estimate([here]).seconds is None and "not known" in Estimate([here]).time_line()
    assert [duration(s) for s in (3, 600, 9000)] == ["3 s", "10 min", "2.5 h"]
