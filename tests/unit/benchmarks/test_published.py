"""bench/published.toml: each figure is well formed, has a source, and belongs to a benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ictc.backends import check_lane_specs
from ictc.benchmarks.beside import Ours, differs
from ictc.benchmarks.presets import PRESETS, Preset, find
from ictc.benchmarks.published import Figure, figures_of, published, read_published
from ictc.compare.lab import features_of
from ictc.errors import InputError
from ictc.means import OFFLINE, Lane

GOOD = """[sources.s]
cite = "Someone, somewhere"
[[figure]]
set = "cifar-10"
criterion = "object"
lane = "language"
k = 10
method = "IC|TC"
model = "m"
acc = 0.5
source = "s"
"""


def one(name: str, criterion: str, model: str, method: str = "IC|TC") -> Figure:
    found = [f for f in figures_of(find(name, criterion)) if (f.model, f.method.partition(",")[0]) == (model, method)]
    assert len(found) == 1, (name, criterion, model)
    return found[0]


@pytest.mark.parametrize(
    ("name", "criterion", "model", "figures"),
    [
        ("cifar-10", "object", "GPT-4", (0.909, 0.812, 0.820)),
        ("cifar-10", "object", "GPT-3.5", (0.914, 0.820, 0.820)),
        ("cifar-10", "object", "Llama-2-70B", (0.884, 0.759, 0.789)),
        ("stl-10", "object", "GPT-4", (0.986, 0.970, 0.966)),
        ("cifar-100", "superclass", "GPT-4", (0.589, 0.422, 0.642)),
        ("stanford-40-actions", "action", "GPT-4", (0.774, 0.718, 0.848)),
        ("stanford-40-actions", "location", "GPT-4", (0.860, 0.814, 0.703)),
        ("stanford-40-actions", "mood", "GPT-4", (0.760, 0.486, 0.479)),
        ("ppmi-7", "instrument", "GPT-4", (0.964, 0.921, 0.928)),
        ("ppmi-2", "category", "GPT-4", (0.977, 0.911, 0.842)),
    ],
)
def test_ictcs_figures_are_those_of_its_table(
    name: str, criterion: str, model: str, figures: tuple[float, float, float]
) -> None:
    found = one(name, criterion, model)
    for there, printed in zip((found.acc, found.ari, found.nmi), figures, strict=True):
        assert there is not None
        assert abs(there - printed) <= 0.000501, (there, printed)
    assert found.url == "https://github.com/sehyunkwon/ICTC"
    assert found.table.endswith("/accuracy.txt")


def test_the_other_papers_figures() -> None:
    mnist, cifar = (one(n, "", "CLIP", "fused embeddings") for n in ("mnist", "cifar-10"))
    assert (mnist.acc, mnist.ari, mnist.nmi) == (0.85, 0.7819, 0.8964)
    assert (cifar.acc, cifar.ari, cifar.nmi) == (0.6232, 0.6523, 0.7138)
    fine = one("cifar-100", "class", "CLIP", "fused embeddings")
    assert (fine.acc, fine.ari, fine.nmi) == (0.1073, 0.5885, 0.7487)
    scan = {f.set: f.acc for f in published() if f.method == "SCAN"}
    assert scan == {"cifar-10": 0.883, "stl-10": 0.809, "cifar-100": 0.507}
    tac = {f.set: (f.acc, f.ari, f.nmi) for f in published() if f.method == "TAC"}
    assert tac == {
        "cifar-10": (0.919, 0.831, 0.833), "cifar-100": (0.607, 0.448, 0.611), "imagenet-10": (0.992, 0.983, 0.985)
    }  # fmt: skip


def test_the_food_studys_figures_and_the_features_that_do_the_same() -> None:
    food = {f.model: f for f in figures_of(find("food-101-30"))}
    assert {model: f.ari for model, f in food.items()} == {
        "SIFT": 0.0210, "HOG": 0.0145, "colour histogram": 0.0076, "Canny edges": 0.0198, "LBP": 0.0060,
        "all classical": 0.0077, "ResNet-50": 0.2285, "BLIP + SBERT": 0.2115, "EfficientNet-B0": 0.2791,
        "ViLT": 0.1699, "EfficientNet, tuned": 0.4540, "BLIP, tuned": 0.7726, "BLIP, tuned, compressed": 0.7760,
        "final": 0.8164,
    }  # fmt: skip
    assert all("which images they were is not known" in f.source_note for f in food.values())
    without = {model for model, f in food.items() if not f.spec}
    assert without == {"final"}, "nobody says what that is"
    assert set(features_of([f.spec for f in food.values() if f.spec])) >= set(features_of(["all"])) - {
        "lite0",
        "offline",
    }
    for figure in food.values():
        if figure.spec not in ("", "trained:DIR"):
            check_lane_specs(Lane(embedder=figure.spec), OFFLINE)


def test_every_figure_has_a_source_and_no_hidden_doubt() -> None:
    for figure in published():
        assert figure.cite
        assert figure.url.startswith("https://") or "no public copy" in figure.cite
        assert figure.k == (find(figure.set, figure.criterion).k or figure.k)
    assert "ARI above NMI, as it is printed" in one("stanford-40-actions", "location", "GPT-4").note
    assert {f.scoring for f in published() if f.method == "IC|TC"} == {"", "random", "nearest", "strict"}


def test_presets_without_a_figure_have_none() -> None:
    without = {(p.name, p.criterion) for p in PRESETS if not figures_of(p)}
    assert {("mit-indoor-67", "scene"), ("open-images", "object"), ("playing-cards", "suit")} <= without
    assert {("cifar-10", "object"), ("imagenet-dogs", "object")}.isdisjoint(without)


def test_own_lane_and_redone_methods_come_first() -> None:
    figures = figures_of(find("cifar-10"))
    assert [f.is_other for f in figures[:3]] == [False] * 3
    assert [f.lane for f in figures] == sorted((f.lane for f in figures), key=lambda lane: lane != "language")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({'source = "s"': 'source = "t"'}, "names none of [sources]"),
        ({'cite = "Someone, somewhere"': 'url = "u"'}, "without `cite`"),
        ({"acc = 0.5": "acc = 1"}, "acc = 1 is no float"),
        ({"acc = 0.5": "acc = 50.0"}, "no share of 1"),
        ({"acc = 0.5\n": ""}, "it has no measure"),
        ({"acc = 0.5": "acc = 0.5\nf1 = 0.5"}, "unknown key 'f1'"),
        ({"acc = 0.5": "acc = 0.5\nspec = 1"}, "spec = 1 is no str"),
        ({"[[figure]]": 'why = "w"\n[[figure]]'}, "names none of [sources]"),
        ({"k = 10\n": ""}, "k is missing"),
        ({"k = 10": "k = 0"}, "k is missing"),
        ({'lane = "language"': 'lane = "magic"'}, "no such lane"),
        ({'model = "m"': 'model = "m"\nscoring = "kind"'}, "no such lane or scoring"),
        ({'set = "cifar-10"': 'set = "cifar"'}, "no benchmark of 'cifar'"),
        ({'criterion = "object"': 'criterion = "mood"'}, "no criterion 'mood'"),
        ({"[sources.s]": "[sources.s"}, "no TOML"),
    ],
)
def test_a_figure_that_is_not_well_formed_is_named(tmp_path: Path, change: Mapping[str, str], said: str) -> None:
    text = GOOD
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new)
    file = tmp_path / "published.toml"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        read_published(file)
    assert said in caught.value.message
    assert str(file) in caught.value.message


def test_a_sources_note_is_of_all_its_figures(tmp_path: Path) -> None:
    file = tmp_path / "published.toml"
    file.write_text(GOOD.replace("[[figure]]", 'note = "Of all."\n[[figure]]') + 'note = "Of one."\n')
    (figure,) = read_published(file)
    assert (figure.note, figure.source_note) == ("Of one.", "Of all.")
    ours = Ours("language", "m", 10, 10, 10, 0.5, 0.5, 0.5)
    assert differs(figure, ours)[-2:] == ["Of one.", "Of all."]


def test_the_same_figure_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "published.toml"
    file.write_text(GOOD + GOOD[GOOD.index("[[figure]]") :].replace("0.5", "0.6"))
    with pytest.raises(InputError, match="figures 1 and 2 are of the same"):
        read_published(file)


def test_a_preset_is_a_value() -> None:
    assert len({(p.name, p.criterion) for p in PRESETS}) == len(PRESETS)
    assert all(isinstance(p, Preset) for p in PRESETS)
