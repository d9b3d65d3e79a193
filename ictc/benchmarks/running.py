"""A benchmark by one of the three lanes: what is asked, and a row (in the feature lab: rows) of what came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ictc.backends import RECORDED
from ictc.benchmarks.beside import Ours
from ictc.benchmarks.prepared import k_of, open_prepared
from ictc.benchmarks.presets import Lane, Preset
from ictc.benchmarks.published import MEASURES
from ictc.compare.grid import Grid
from ictc.compare.job import Asked as Compared
from ictc.compare.job import compare
from ictc.compare.lab import SEED, features_of
from ictc.errors import StepError, UsageError
from ictc.job import Asked, Done
from ictc.lane.checking import check_lane
from ictc.lane.promptfile import read_prompts
from ictc.means import Lane as EmbeddingLane
from ictc.means import Means
from ictc.runfolder import Settings
from ictc.text import command_line

PLAIN = "plain"
LABEL = "label"
"""What the published protocol of the fused embeddings is (docs/embedding.md): plain vectors, prompts by the truth."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What is to be done: `images` and `truth` as `ictc run` takes them. `note`: what to know of the images."""

    preset: Preset
    lane: Lane
    images: str
    truth: str
    k: int
    note: str = ""

    def asked(self, means: Means) -> Asked:
        """The job of the language or embedding lane."""
        return Asked(self.images, self.preset.asks, self.k, means)


def planned(preset: Preset, lane: Lane, root: Path, k: int | None, describer: str) -> Bench:
    """The images, the truth and K. Descriptions that are given stand in for a set that is not prepared, where its file
    names hold the classes.

    Raises:
        UsageError: the set is not prepared, or not so that this can be asked of it.
    """
    alone = lane == "language" and describer.startswith(RECORDED) and preset.named
    if alone and not (root / preset.name).exists():
        note = f"{root / preset.name} is not there: descriptions alone, classes from the names in {describer}"
        return Bench(preset, lane, describer, "filename", k or preset.k or 0, note)
    prepared = open_prepared(root, preset)
    chosen = k_of(preset, prepared, k)
    return Bench(preset, lane, str(prepared.folder), prepared.truth, chosen, prepared.said)


def embedding_lane(bench: Bench, embedder: str, strategy: str | None, pairing: str | None) -> EmbeddingLane:
    """As published: plain vectors; with prompts those of the true classes, which is supervised, unless `pairing` says
    otherwise. Raises UsageError: the strategy needs prompts that the benchmark has not."""
    file = bench.preset.prompts_file
    chosen = strategy or bench.preset.strategy
    paired = "best" if chosen == "image-only" else pairing or LABEL
    lane = EmbeddingLane(
        embedder, file, read_prompts(file) if file else None, chosen, paired, space=PLAIN,
        truth=bench.truth if paired == LABEL else "",
    )  # fmt: skip
    check_lane(lane, bench.k)
    return lane


def row_of(bench: Bench, done: Done, scores: Mapping[str, Any]) -> Ours:
    """The row of a finished run, from its metrics.json and its account of what was asked."""
    settings = done.folder.settings(done.revision.id)
    spent = done.folder.entry(done.revision.id).get("spent") or {}
    return Ours(
        lane=bench.lane,
        model=_model(settings),
        describer="" if settings.lane else settings.describer,
        n=scores["n"],
        k=scores["k"],
        k_true=scores["k_true"],
        **{m: scores[m] for m in MEASURES},
        images=bench.preset.images_by(bench.lane),
        low={m: scores[f"{m}_low"] for m in MEASURES},
        high={m: scores[f"{m}_high"] for m in MEASURES},
        unassigned=scores["unassigned"],
        failed=scores["failed"],
        off_list=scores["off_list"],
        supervised=bool(scores.get("supervised")),
        calls=spent.get("requests", 0),
        cost=spent.get("cost", 0.0),
        note=bench.note,
    )


def features(
    bench: Bench, given: Sequence[str], means: Means, output: Path, **watching: Any
) -> tuple[dict[str, Any], list[Ours]]:
    """The feature lab's k-means of each feature, and a row of each.

    Raises:
        UsageError: a class has fewer images than are drawn of each. StepError: not one has numbers; and as
            `ictc.compare`.
    """
    grid = Grid(features_of(given or ("all",)), clusterers=("kmeans",), truth=bench.truth)
    per_class = bench.preset.per_class
    asked = Compared(
        bench.images, grid, bench.preset.asks, bench.k, bench.truth, (SEED,), lab=True, per_class=per_class,
        options=means.options, prices=means.prices,
    )  # fmt: skip
    try:
        found = compare(asked, output, **watching)
    except UsageError as error:
        if not error.message.startswith("--per-class"):
            raise
        lab = command_line("compare", bench.images, "--features", *asked.grid.embedders[:1], "--truth", bench.truth)
        draw = error.hint.removeprefix("Type: ")
        raise UsageError(
            f"The benchmark draws {per_class} images of each class. {error.message}",
            f"Prepare the whole set in another --root, or draw fewer in the lab: {lab} {draw}",
        ) from error
    if not any(row["runs"] for row in found["rows"]):
        raise StepError("Not one feature has numbers.", found["rows"][0]["reasons"][0]["reason"])
    scored = found["n"] - (found["without_class"] or 0)
    note = f"{per_class} images of each class, seed {SEED}" if per_class else bench.note
    return found, [
        Ours(
            "features", row["embedder"], scored, bench.k, found["classes"],
            **{m: row[m]["mean"] for m in MEASURES}, images=bench.preset.images_by("features"), note=note,
        )
        for row in found["rows"] if row["runs"]
    ]  # fmt: skip


def _model(settings: Settings) -> str:
    if not (lane := settings.lane):
        return settings.reasoner
    paired = "" if lane["strategy"] == "image-only" else f", prompts {lane['strategy']}, pairing {lane['pairing']}"
    return f"{lane['embedder']}{paired}"
