"""What does not go together, told before anything is embedded."""

from __future__ import annotations

from ictc.errors import UsageError
from ictc.lane.clusterers import TEXT, check_clusterer
from ictc.lane.evening import SPACES
from ictc.lane.fusion import FUSIONS, check_weight
from ictc.lane.pairing import PAIRINGS
from ictc.lane.strategies import CRITERION, GENERIC, GROUPED, IMAGE_ONLY, check_strategy
from ictc.means import Lane

SEEDS = 2**32


def check_lane(lane: Lane, k: int | None = None) -> None:
    """Raises UsageError for what is none or does not go together, SpecError for a clusterer that is none."""
    check_strategy(lane.strategy, lane.prompt_set)
    known = (("pairing", lane.pairing, PAIRINGS), ("fusion", lane.fusion, FUSIONS), ("space", lane.space, SPACES))
    for name, given, there in known:
        if given not in there:
            raise UsageError(f"--{name} {given}: there is no such one.", f"Those there are: {', '.join(there)}.")
    check_weight(lane.weight)
    check_seed(lane.seed)
    if lane.fusion == "mean" and lane.weight != Lane().weight:
        raise UsageError("--fusion mean has no weight.", f"Type: --fusion sum --weight {lane.weight}")
    check_clusterer(lane.clusterer, dict(lane.params))
    if lane.strategy == IMAGE_ONLY and lane.pairing != "best":
        raise UsageError(
            f"The pairing {lane.pairing} does nothing with the strategy image-only.",
            "Add --prompts FILE --strategy task",
        )
    if lane.strategy == IMAGE_ONLY and lane.fusion != "mean":
        raise UsageError(
            f"The fusion {lane.fusion} (or --weight) does nothing with the strategy image-only: there is no prompt.",
            "Add --prompts FILE --strategy task, or leave --fusion and --weight out.",
        )
    if lane.supervised and lane.prompt_set is None:
        raise UsageError("The pairing label needs prompts.", "Add --prompts FILE, with the classes of the truth.")
    if lane.supervised and not lane.truth:
        raise UsageError("The pairing label needs the true classes.", "Add: --truth filename | folder | FILE")
    if lane.clusterer == TEXT:
        _check_texts(lane, k)


def check_seed(seed: int) -> None:
    """Raises UsageError: scikit-learn takes no such seed."""
    if not 0 <= seed < SEEDS:
        raise UsageError(f"--seed {seed}: a seed is a whole number from 0 to {SEEDS - 1:,}.", "For example: --seed 1")


def _check_texts(lane: Lane, k: int | None) -> None:
    """Text centroids need a text for each cluster, in the space of the fused vectors."""
    prompts = lane.prompt_set
    if lane.strategy == GENERIC or (prompts is None and lane.strategy != CRITERION):
        why = "has one prompt for all" if lane.strategy == GENERIC else "has no prompts without a file"
        raise UsageError(
            f"--clusterer {TEXT} needs a prompt for each cluster, and the strategy {lane.strategy} {why}.",
            "Add --prompts FILE --strategy task, or type: --clusterer kmeans",
        )
    if lane.fusion == "concat" and lane.strategy != IMAGE_ONLY:
        raise UsageError(
            f"--clusterer {TEXT} cannot follow --fusion concat: prompts are half as wide as the vectors then.",
            "Type: --fusion mean",
        )
    if prompts is not None and k is not None:
        count = len(prompts.group_names if lane.strategy == GROUPED else prompts.classes)
        if k != count:
            raise UsageError(
                f"-k {k} does not fit the {count} prompts: --clusterer {TEXT} makes one cluster for each.",
                "Leave -k out.",
            )
