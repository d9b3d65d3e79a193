"""The benchmarks and the data sets they are of belong together; prompts are found; what differs is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ictc.benchmarks.beside import NOT_OURS, Ours, differs, nearest
from ictc.benchmarks.presets import PRESETS, Preset, find
from ictc.benchmarks.published import Figure
from ictc.benchmarks.running import Bench, embedding_lane
from ictc.datasets.known import dataset, installed
from ictc.errors import UsageError
from ictc.lane.promptfile import read_prompts
from ictc.lane.strategies import check_strategy
from ictc.prompts import topic_of


@pytest.mark.parametrize("preset", PRESETS, ids=lambda p: f"{p.name}-{p.criterion}")
def test_every_benchmark_is_of_a_data_set_that_can_be_prepared(preset: Preset) -> None:
    assert preset.name in installed()
    recipe = dataset(preset.name)
    criteria = {c.name: c.classes for c in recipe.criteria}
    assert preset.criterion in criteria, f"{preset.name} has {', '.join(criteria)}"
    if preset.k and criteria[preset.criterion]:
        assert preset.k == criteria[preset.criterion]
    if preset.named:
        assert preset.criterion == recipe.criteria[0].name, "that one stands in the file names"
    usual = next(iter(recipe.splits.values()))
    if preset.images and usual:
        assert preset.images == usual, "what is prepared when nothing is said"


@pytest.mark.parametrize(
    ("name", "criterion", "topic"),
    [
        ("cifar-10", "object", "object"),
        ("cifar-100", "superclass", "object"),
        ("stl-10", "object", "object"),
        ("stanford-40-actions", "action", "action"),
        ("stanford-40-actions", "location", "location"),
        ("stanford-40-actions", "mood", "mood"),
        ("ppmi-7", "instrument", "instrument"),
        ("ppmi-2", "category", "instrument"),
    ],
)
def test_the_criterion_leads_to_the_papers_wording(name: str, criterion: str, topic: str) -> None:
    assert topic_of(find(name, criterion).asks) == topic


def test_the_prompts_of_the_embedding_lane_are_there_and_have_their_strategy() -> None:
    with_prompts = [p for p in PRESETS if p.prompts]
    assert {p.name for p in with_prompts} == {"mnist", "cifar-10"}
    for preset in with_prompts:
        assert preset.prompts_file
        prompts = read_prompts(preset.prompts_file)
        check_strategy(preset.strategy, prompts)
        assert len(prompts.classes) == preset.k
    assert read_prompts(find("mnist").prompts_file or "").prompts["task"][9] == "This is digit 9"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("typed", "criterion", "found"),
    [
        ("CIFAR10", "", ("cifar-10", "object")),
        ("imagenet10", "", ("imagenet-10", "object")),
        ("cifar-100", "class", ("cifar-100", "class")),
        ("ppmi_7", "Musical instrument", ("ppmi-7", "instrument")),
        ("stanford-40-actions", "", ("stanford-40-actions", "action")),
    ],
)
def test_names_are_found_as_people_write_them(typed: str, criterion: str, found: tuple[str, str]) -> None:
    preset = find(typed, criterion)
    assert (preset.name, preset.criterion) == found


@pytest.mark.parametrize(
    ("typed", "criterion", "hint"),
    [
        ("cifr10", "", "Did you mean 'cifar-10'?"),
        ("xyz", "", "There are: mnist, cifar-10,"),
        ("cifar-10", "mood", "There are: object."),
        ("stanford-40-actions", "loction", "Did you mean 'location'?"),
    ],
)
def test_an_unknown_name_says_which_was_meant(typed: str, criterion: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        find(typed, criterion)
    assert hint in caught.value.hint


FIGURE = Figure(
    "cifar-10", "object", "language", 10, "IC|TC", "GPT-4", "someone", n=10_000, describer="LLaVA", acc=0.9,
    scoring="random",
)  # fmt: skip
OURS = Ours("language", "offline", 1_000, 8, 10, 0.9, 0.8, 0.8, describer="recorded:llava.jsonl", images=10_000)


def test_nothing_that_differs_is_left_out() -> None:
    assert differs(FIGURE, OURS) == [
        "n 10,000 (ours 1,000)",
        "K 10 (ours 8)",
        "another model, on LLaVA's descriptions",
        "as published: off-list answers replaced by a random class; ours is strict, they are wrong",
    ]
    assert OURS.remarks == ["described by recorded:llava.jsonl", "1,000 of the 10,000 images", "K 8, but 10 classes"]


def test_the_same_models_are_told_by_their_whole_names() -> None:
    same = Ours("language", "openai:GPT-4@http://x/v1", 10_000, 10, 10, 0.9, 0.8, 0.8, describer="hf:me/llava")
    assert differs(FIGURE, same) == [differs(FIGURE, OURS)[-1]]
    alike = Ours("language", "openai:gpt-4o@http://x/v1", 10_000, 10, 10, 0.9, 0.8, 0.8, describer="hf:me/llava")
    assert "another model, on LLaVA's descriptions" in differs(FIGURE, alike)


HISTOGRAM = Figure(
    "food-101-30", "dish", "features", 30, "k-means", "colour histogram", "someone", n=2_100, ari=0.1,
    spec="classical:histogram",
)  # fmt: skip


def test_a_feature_is_beside_its_own_row_whichever_that_is() -> None:
    rows = [
        Ours("features", name, n, 30, 30, 0.1, 0.1, 0.1)
        for name, n in (("resnet", 2_000), ("classical:histogram", 2_100))
    ]
    assert nearest(HISTOGRAM, rows) is rows[1]
    assert differs(HISTOGRAM, rows[1]) == []
    assert nearest(HISTOGRAM, rows[:1]) is rows[0]
    assert differs(HISTOGRAM, rows[0]) == ["n 2,100 (ours 2,000)", NOT_OURS]
    language = Ours("language", "offline", 7_500, 30, 30, 0.1, 0.1, 0.1)
    assert differs(HISTOGRAM, language) == ["n 2,100 (ours 7,500)", "lane features (ours language)", "another model"]


def test_the_lane_of_anothers_method_says_nothing() -> None:
    scan = replace(HISTOGRAM, method="SCAN", model="trained on this set", spec="")
    language = Ours("language", "offline", 2_100, 30, 30, 0.1, 0.1, 0.1)
    assert differs(scan, language) == ["another method"]


def test_a_lane_takes_all_images_or_a_draw() -> None:
    food = find("food-101-30")
    assert (food.images_by("features"), food.images_by("language"), food.images_by("embedding")) == (
        2_100,
        7_500,
        7_500,
    )
    assert find("mnist").images_by("features") == 10_000
    full = Ours("language", "offline", 7_500, 30, 30, 0.1, 0.1, 0.1, images=food.images_by("language"))
    assert full.remarks == []


def test_the_embedding_lane_is_the_published_protocol_unless_told_otherwise() -> None:
    todo = Bench(find("mnist"), "embedding", "images", "truth.csv:digit", 10)
    lane = embedding_lane(todo, "offline", None, None)
    assert (lane.strategy, lane.pairing, lane.fusion, lane.space, lane.truth) == (
        "task", "label", "mean", "plain", "truth.csv:digit"
    )  # fmt: skip
    assert lane.prompt_set
    assert lane.prompt_set.prompts["grouped"][:2] == ("This is even", "This is odd")
    unsupervised = embedding_lane(todo, "offline", "grouped", "best")
    assert (unsupervised.strategy, unsupervised.pairing, unsupervised.truth) == ("grouped", "best", "")
    alone = embedding_lane(Bench(find("cifar-100", "class"), "embedding", "i", "t", 100), "offline", None, None)
    assert (alone.strategy, alone.supervised) == ("image-only", False)
