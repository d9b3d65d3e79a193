"""From a run to a classifier: the run's images in their vectors, and the method fitted on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ictc.classify import aligned, nearest, zeroshot
from ictc.classify.classifier import ALIGNED, METHODS, NEAREST, SUPERVISED, ZERO_SHOT, Classifier, sharpness
from ictc.embed.images import CachedImages
from ictc.embedders.opening import Asking
from ictc.errors import RunError, UsageError
from ictc.interfaces import Vectors
from ictc.lane.clusterers import quiet
from ictc.lane.describer import kept_lane
from ictc.lane.pairing import likeness_to
from ictc.lane.place import Placed, Placer
from ictc.lane.promptfile import read_prompts
from ictc.lane.strategies import CRITERION, GENERIC, GROUPED, IMAGE_ONLY, TASK, check_strategy
from ictc.means import Lane
from ictc.modeloptions import ModelOptions
from ictc.outlying import without
from ictc.progress import Watch, unwatched
from ictc.promptset import PromptSet
from ictc.result import Result
from ictc.runfolder import RunFolder
from ictc.scoring.truth import read_truth
from ictc.text import command_line
from ictc.types import Description, Failure, Item

LABELLED = f"{SUPERVISED} the run's images were fused with the prompts of their true classes (--pairing label)."
_PROMPTLESS = "Its clusters classify without prompts: --method nearest. Or give --prompts FILE (docs/embedding.md)."


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to classify. None and "": as the run says. `train_truth`: the true classes of the run's own images, for
    `aligned`. `prompts` and `strategy`: others than the run's, for the methods that ask prompts. `asking`: how an
    embedder asks models, where it does; by the run's criterion."""

    method: str | None = None
    revision: str = ""
    prompts: Path | None = None
    strategy: str | None = None
    embedder: str | None = None
    train_truth: str | None = None
    options: ModelOptions = field(default_factory=ModelOptions)
    asking: Asking = field(default_factory=Asking)


@dataclass(frozen=True, slots=True)
class Plan:
    """A run and what is to be made of it, checked before anything is embedded."""

    folder: Path
    result: Result
    lane: Lane
    method: str
    train_truth: str
    items: Sequence[Item]
    classes: Mapping[str, str]
    """Image -> class, for `aligned`."""


def plan(folder: Path, wanted: Wanted) -> Plan:
    """Raises UsageError and its kinds, RunError: the run, the method or the prompts do not go together."""
    run = RunFolder(folder)
    revision = run.revision(wanted.revision, finished=True)
    result = revision.result()
    lane = kept_lane(run.settings(revision.id)) or Lane()
    given = read_prompts(wanted.prompts) if wanted.prompts else None
    if given:
        lane = replace(lane, prompts=wanted.prompts, prompt_set=given, strategy=TASK)
    asks = lane.prompt_set is not None or lane.strategy == CRITERION
    method = check_method(wanted.method) or (ZERO_SHOT if asks else NEAREST)
    if method == NEAREST and (given or wanted.strategy):
        raise UsageError("The run's own clusters ask no other prompts.", "Leave --prompts and --strategy out.")
    if method != ALIGNED and wanted.train_truth:
        raise UsageError(f"The method {method} learns from no truth.", "Add --method aligned, or score with --truth")
    if method != NEAREST:
        lane = _asking(lane, wanted.strategy, method, folder)
    items = [i for i in result.items if i.path is not None]
    if not items:
        raise RunError(
            f"{folder} has descriptions and no images, so there are no vectors to compare new images with.",
            "Classify by a run of images: ictc cluster IMAGES",
        )
    if wanted.embedder:
        lane = replace(lane, embedder=wanted.embedder, kept="")
    truth = wanted.train_truth or lane.truth
    classes: Mapping[str, str] = {}
    if method == ALIGNED:
        if not truth:
            raise UsageError(
                "The method aligned needs the true classes of the run's own images.",
                "Add: --train-truth filename | folder | FILE[:COLUMN]",
            )
        found = lane.shown
        if wanted.train_truth or not found:
            found = read_truth(truth, [i.name for i in items], metadata=result.metadata).classes
        classes = {image: _groups(lane).get(name, name) for image, name in found.items()}
        _check_classes(classes, lane, result)
    return Plan(folder, result, lane, method, truth, items, classes)


def check_method(method: str | None) -> str | None:
    """Raises UsageError: there is no such method."""
    if method is not None and method not in METHODS:
        raise UsageError(f"--method {method}: there is no such one.", f"Those there are: {', '.join(METHODS)}.")
    return method


def _groups(lane: Lane) -> Mapping[str, str]:
    """Class -> what the prompts name it: with the strategy `grouped`, its group."""
    return lane.prompt_set.groups if lane.prompt_set and lane.strategy == GROUPED else {}


def fit(
    made: Plan, embedder: CachedImages, watch: Watch = unwatched, tell: Callable[[str], None] = quiet
) -> Classifier:
    """The run's images are embedded where they have no stored vector of this embedder; those that cannot be are left
    out.

    Raises:
        InputError, UsageError: vectors, prompts, embedder or truth do not go together.
    """
    with watch("run", len(made.items)) as tick:
        found = embedder.embed_images(made.items, tick)
    there = [i for i, v in zip(made.items, found, strict=True) if not isinstance(v, Failure)]
    if not there:
        first = next(v for v in found if isinstance(v, Failure))
        raise RunError(f"No image of {made.folder} has a vector: {first.message}", _again(made))
    result, lane, method = made.result, made.lane, made.method
    if lane.supervised and method == ZERO_SHOT:
        lane = replace(lane, pairing="best")
    names = without(result.taxonomy).names
    described = [Description(i.name, "", lane.embedder, i.sha256) for i in there]
    placed = Placer(embedder, lane).place(described, result.criterion, names)
    base = _base(made, lane, placed, embedder.fingerprint, len(made.items) - len(there))
    if method == ZERO_SHOT:
        return zeroshot.fit(base, placed)
    if method == ALIGNED:
        return aligned.fit(base, placed, [i.name for i in there], made.classes, lane.seed, tell)
    clusters = {a.image: a.cluster for a in result.assignments}
    return nearest.fit(base, placed, [clusters.get(i.name) for i in there], names)


def _base(made: Plan, lane: Lane, placed: Placed, fingerprint: str, lost: int) -> Classifier:
    """What all methods share."""
    fused = placed.texts is not None and lane.strategy != IMAGE_ONLY and made.method != ZERO_SHOT
    notes = [f"{lost} of the run's images could not be embedded and are left out."] if lost else []
    if lane.supervised and fused:
        notes.append(LABELLED)
    return Classifier(
        method=made.method,
        classes=(),
        embedder=lane.embedder,
        fingerprint=fingerprint,
        width=placed.images.shape[1],
        scale=1.0,
        texts=placed.texts if fused else None,
        pairing=("soft" if lane.pairing == "soft" else "best") if fused else "",
        pair_scale=_pair_scale(placed.images, placed.texts) if fused else 1.0,
        fusion=lane.fusion,
        weight=lane.weight,
        criterion=made.result.criterion,
        strategy=lane.strategy,
        notes=tuple(notes),
        groups=_groups(lane),
    )


def _pair_scale(images: Vectors, texts: Vectors | None) -> float:
    assert texts is not None
    return sharpness(likeness_to(images, texts))


def _asking(lane: Lane, strategy: str | None, method: str, folder: Path) -> Lane:
    """The lane with prompts that tell classes apart."""
    if lane.prompt_set is None and lane.strategy != CRITERION and strategy != CRITERION:
        raise UsageError(f"{folder} was made without prompts, which the method {method} asks.", _PROMPTLESS)
    wanted = strategy or (TASK if lane.strategy in (IMAGE_ONLY, GENERIC) else lane.strategy)
    check_strategy(wanted, lane.prompt_set)
    if wanted in (IMAGE_ONLY, GENERIC):
        raise UsageError(f"The strategy {wanted} has no prompt that tells classes apart.", "Give --strategy task")
    return replace(lane, strategy=wanted)


def _check_classes(classes: Mapping[str, str], lane: Lane, result: Result) -> None:
    known = set(_named(lane.prompt_set, lane.strategy) if lane.prompt_set else result.names)
    if unknown := sorted(set(classes.values()) - known):
        raise UsageError(
            f"The truth of the run has the class '{unknown[0]}', and the prompts have not.",
            f"The prompts have: {', '.join(sorted(known)[:5])}. Name the classes alike.",
        )


def _named(prompts: PromptSet, strategy: str) -> tuple[str, ...]:
    return prompts.group_names if strategy == GROUPED else prompts.classes


def _again(made: Plan) -> str:
    spec = made.lane.embedder
    return f"Look at: {command_line('embed', 'IMAGES', '--embedder', spec, '-o', str(made.folder))}"
