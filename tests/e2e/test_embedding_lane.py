"""The embedding lane on real pictures, where ICTC_DATA has them: the numbers wanted, and its sanity checks."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ictc import job, outputs
from ictc.lane.promptfile import read_prompts
from ictc.means import Lane, Means

DATA = os.environ.get("ICTC_DATA")
pytestmark = pytest.mark.skipif(not DATA, reason="ICTC_DATA is not set: the folder with images/cifar10_1k")
ANIMALS = ("bird", "cat", "deer", "dog", "frog", "horse")
VEHICLES = ("airplane", "automobile", "ship", "truck")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cifar") / "run"


@pytest.fixture(scope="module")
def named(run: Path) -> Lane:
    groups = dict.fromkeys(ANIMALS, "animal") | dict.fromkeys(VEHICLES, "vehicle")
    lines = [f'{name} = "{group}"' for name, group in groups.items()]
    file = run.parent / "prompts.toml"
    file.write_text(f"classes = {[*groups]}\n[groups]\n" + "\n".join(lines))
    return Lane(prompt_set=read_prompts(file))


@pytest.fixture(scope="module")
def scores(run: Path, named: Lane) -> dict[str, dict[str, Any]]:
    """By strategy, in one run folder: images are embedded once."""
    images = Path(DATA or "") / "images" / "cifar10_1k"
    found = {}
    for strategy in ("image-only", "generic", "task", "swapped", "grouped"):
        asked = job.Asked(str(images), "object", 10, Means(lane=replace(named, strategy=strategy)))
        done = job.run(asked, run)
        found[strategy] = outputs.score(done, "filename")
    return found


def test_the_numbers_wanted(scores: dict[str, dict[str, Any]]) -> None:
    assert scores["task"]["acc"] >= 0.52 and scores["image-only"]["acc"] >= 0.48
    assert scores["task"]["acc"] > scores["image-only"]["acc"]


def test_the_sanity_checks(scores: dict[str, dict[str, Any]]) -> None:
    assert scores["swapped"]["ari"] == scores["task"]["ari"] and scores["swapped"]["nmi"] == scores["task"]["nmi"]
    assert scores["swapped"]["prompt_acc"] < 0.1 < 0.5 < scores["task"]["prompt_acc"]
    assert scores["generic"]["acc"] == pytest.approx(scores["image-only"]["acc"], abs=0.002)
    assert scores["grouped"]["nmi"] < min(scores["task"]["nmi"], scores["image-only"]["nmi"])


def test_clusters_of_grouped_prompts_are_the_nearest_prompts(
    scores: dict[str, dict[str, Any]], run: Path, named: Lane
) -> None:
    """So agreement with the groups rises where the nearest group prompt is right more often than clusters of images
    alone (docs/embedding.md); offline it is not."""
    assert scores, "its images are embedded"
    images = str(Path(DATA or "") / "images" / "cifar10_1k")
    result = job.run(job.Asked(images, "object", 2, Means(lane=replace(named, strategy="grouped"))), run).result
    labels = {x.image: x.label for x in result.labels}
    assert all(a.cluster == labels[a.image] for a in result.assignments)
