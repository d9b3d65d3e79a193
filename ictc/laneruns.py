"""What runs of the embedding lane add to scores and reports: what they are scored on, and how they were made."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from ictc.backends import Backends
from ictc.errors import UsageError
from ictc.interfaces import Vectors
from ictc.job import Done, means_of
from ictc.lane.fusion import WEIGHTS
from ictc.lane.reasoner import SUPERVISED
from ictc.lane.split import SHARE
from ictc.lane.strategies import GROUPED
from ictc.means import OFFLINE, Lane, Wording, lane_from_json
from ictc.outlying import without
from ictc.pipeline import split
from ictc.report.model import ModelUsed
from ictc.result import Result
from ictc.runfolder import Settings
from ictc.scoring.metrics import silhouette
from ictc.scoring.scores import score_assignments
from ictc.scoring.truth import read_truth
from ictc.spending.meter import Meter
from ictc.text import command_line

T = TypeVar("T")


def scored_on(lane: Lane | None, of: Mapping[str, T]) -> Mapping[str, T]:
    """What a result may be scored on, of classes or vectors by image: with the pairing `label`, those of images whose
    truth was not shown."""
    if lane is None or not lane.shown:
        return of
    return {image: value for image, value in of.items() if image not in lane.shown}


def lane_metrics(lane: Lane | None, result: Result, classes: Mapping[str, str]) -> dict[str, Any]:
    """`prompt_acc`: the share of images whose nearest prompt is that of their true class (or group); with the pairing
    `label`, what the scores are of. `classes`: of all images."""
    found: dict[str, Any] = {}
    if lane is None or lane.prompt_set is None:
        return found
    test = scored_on(lane, classes)
    right = prompt_accuracy(lane, {x.image: x.label for x in result.labels}, test)
    if right is not None:
        found["prompt_acc"] = round(right, 4)
    if lane.supervised:
        found["supervised"] = {"note": SUPERVISED, "test_share": SHARE, "test_images": len(test), "seed": lane.seed}
    return found


def prompt_accuracy(lane: Lane, labels: Mapping[str, str], classes: Mapping[str, str]) -> float | None:
    """The share of images whose label (what their nearest prompt stands for) is their class, or its group where prompts
    are `grouped`; None where no class has a prompt."""
    known = lane.prompt_set
    if known is None:
        return None
    grouped = known.groups if lane.strategy == GROUPED else {}
    names = set(known.classes)
    right = [labels.get(i) == grouped.get(c, c) for i, c in classes.items() if c in names]
    return sum(right) / len(right) if right else None


def measured(
    groups: Mapping[str, str | None],
    own: Mapping[str, Vectors],
    classes: Mapping[str, str],
    failed: Collection[str] = (),
    digits: int = 4,
) -> dict[str, float | None]:
    """Silhouette in the images' own space (`own`: a vector of each image that counts), and ACC, ARI and NMI where there
    are classes. In a space with prompts fused in, prompts alone would always do best."""
    apart = silhouette({i: g for i, g in groups.items() if g is not None}, own)
    found: dict[str, float | None] = {"silhouette": None if apart is None else round(apart, digits)}
    if classes:
        scores = score_assignments(groups, classes, failed=failed)
        found |= {key: round(getattr(scores, key), digits) for key in ("acc", "ari", "nmi")}
    return found


def sweep(done: Done, truth: str | None) -> list[dict[str, Any]]:
    """What each weight of the prompt gives: K, silhouette, and scores where there is a truth. Embeds nothing.

    A weight at which K groups cannot be made has no numbers.
    """
    settings, result = done.folder.settings(done.revision.id), done.result
    lane = lane_from_json(settings.lane)
    assert lane
    names = [i.name for i in result.items]
    classes = read_truth(truth, names, metadata=result.metadata).classes if truth else {}
    known = scored_on(lane, classes)
    fusion = "sum" if lane.fusion == "mean" else lane.fusion
    rows: list[dict[str, Any]] = []
    with done.folder.open_store() as store:
        for weight in WEIGHTS:
            tried = replace(lane, fusion=fusion, weight=weight)
            backends = Backends(replace(means_of(settings), reasoner=OFFLINE, lane=tried), store, Meter())
            reasoner = backends.reasoner()
            row: dict[str, Any] = {"weight": weight, "k": None, "silhouette": None}
            rows.append(row)
            try:
                taxonomy = reasoner.merge(result.descriptions, result.labels, result.criterion, settings.k)
            except UsageError:  # at 1 there are as many different vectors as prompts that are nearest to an image
                continue
            assigned, _ = split(reasoner.assign(result.descriptions, taxonomy, result.criterion))
            groups = {a.image: a.cluster for a in assigned}
            rows_of = backends.placer().images(result.descriptions)
            own = dict(zip((d.image for d in result.descriptions), rows_of, strict=True))
            failed = {f.image for f in result.failures}
            row |= {"k": without(taxonomy).k, **measured(groups, scored_on(lane, own), known, failed)}
    return rows


def lane_models(settings: Settings, lane: Lane) -> list[ModelUsed]:
    """Who did what, for the report."""
    steps = [f"strategy {lane.strategy}", *([] if lane.strategy == "image-only" else [lane.pairing, lane.fusion])]
    params = [f"{name}={value}" for name, value in lane.params]
    return [
        ModelUsed("1 embed", lane.embedder, settings.describer_fingerprint),
        ModelUsed("fuse, cluster, name", ", ".join([*steps, lane.clusterer, *params]), settings.reasoner_fingerprint),
    ]


def lane_command(settings: Settings, run: str) -> str | None:
    """The command that makes such a run; None where it was the criterion lane."""
    lane = lane_from_json(settings.lane)
    if lane is None:
        return None
    plain, words = Lane(), Wording()
    told = {
        "--prompts": (lane.prompts, None),
        "--strategy": (lane.strategy, "task" if lane.prompts else plain.strategy),
        "--pairing": (lane.pairing, plain.pairing),
        "--fusion": (lane.fusion, plain.fusion),
        "--weight": (lane.weight, plain.weight),
        "--space": (lane.space, plain.space),
        "--embedder": (lane.embedder, plain.embedder),
        "--clusterer": (lane.clusterer, plain.clusterer),
        "--seed": (lane.seed, plain.seed),
        "--truth": (lane.truth, ""),
        "--reasoner": (settings.reasoner, OFFLINE),
        "--outliers": (settings.wording.get("outliers", words.outliers), words.outliers),
        "--min-confidence": (settings.wording.get("min_confidence", words.min_confidence), words.min_confidence),
    }
    given = [x for option, (value, default) in told.items() if value != default for x in (option, str(value))]
    params = [x for name, value in lane.params for x in ("--param", f"{name}={value}")]
    k = "auto" if settings.k is None else str(settings.k)
    return command_line("cluster", settings.images, "-c", settings.criterion, "-k", k, "-o", run, *given, *params)
