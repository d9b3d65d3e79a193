"""`--dry-run`: how many requests, tokens and dollars each step would take, before anything is sent.

The steps are gone through for real, with a model that counts instead of answering (`Counting`), around the run's store:
what is stored is not counted, and what can be rendered is counted as it would be sent. Where a step needs answers that
are not there yet, up to 256 invented images stand for the missing ones. What is assumed then, low / likely / high:

- a description takes 20 / 80 / 300 tokens (captions recorded with LLaVA took 19 to 108 on average);
- n images give n^0.5 / n^0.65 / n^0.85 different labels of 3 tokens (GPT-4's recorded labels: n^0.64 for 10,000
  pictures of ten kinds); K, where it is to be chosen, is 10;
- an answer of step 1 takes as much as a description, of step 2a 6 / 10 tokens for each image, of step 3 8 / 14, of step
  2b 6 for each name and likely 4 for each label; as high, all that the request allows (`max_tokens`), which a model
  that thinks first may well take;
- more than 150 labels are placed under the names 50 at a time after the naming, likely at most 600 of them (the others
  are in groups by then); at worst all of them, and everything about the merge is asked for again once;
- pictures are counted by the provider's rule, or by their area (half and double of it as low and high);
- clusters of the embedding lane, K or 10, are named from eight labels and twelve images each (half of that, double);
- an answer takes 0.3 / 0.6 / 2 seconds and 10 / 20 / 50 milliseconds a token, `concurrency` at once.

Tokens are characters / 4, see `ictc.spending.tokens`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from ictc.errors import IctcError
from ictc.interfaces import Describer, Reasoner
from ictc.lane.llmnames import LABELS, SAMPLES
from ictc.reasoners.levels import Grouper, groups_of, has_groups
from ictc.spending.counting import Asked, Counting
from ictc.spending.estimate import Estimate, Lane, StepEstimate
from ictc.types import Cluster, Description, Failure, Item, Label, Stage, Taxonomy

DESCRIPTION = (20, 80, 300)
DISTINCT = (0.5, 0.65, 0.85)
AUTO_K = 10
_ANSWER: dict[Stage, tuple[float, float]] = {"describe": DESCRIPTION[:2], "label": (6, 10), "assign": (8, 14)}
_PROBES = 256
_WORDS = ("a", "large", "object", "that", "stands", "near", "some", "people", "in", "front", "of", "the", "trees")


def estimate(
    items: Sequence[Item],
    criterion: str,
    k: int | None,
    describer: Describer,
    reasoner: Reasoner,
    describing: Lane,
    reasoning: Lane,
    descriptions: Sequence[Description] | None = None,
    grouper: Grouper | None = None,
    groups: int = 0,
    names: Taxonomy | None = None,
) -> Estimate:
    """What the steps would ask. Nothing is sent and nothing is written.

    `describer` and `reasoner` must have their lane's `counting` in the place of their model, inside `StoredModel`; one
    whose lane has none is not run. `descriptions` are those at hand where the describer asks no model (recorded ones,
    or of a step 1 that is done). `grouper` merges the names into `groups` broader ones, where that is asked for.
    `names`: where they are there, and nothing is merged.
    """
    missing = len(items)
    if describing.counting:
        step, known, missing = describing_step(items, criterion, describer, describing)
        steps = [step]
    else:
        known = list(descriptions or ())
        missing = len(items) - len(known) if descriptions is None else 0
        steps = [StepEstimate("describe", describing)]
    if reasoning.counting is None:
        return Estimate([*steps, *(StepEstimate(stage, reasoning) for stage in ("label", "merge", "assign"))])
    probe = _Probe(reasoner, criterion, k, reasoning, reasoning.counting, known, missing, grouper, groups, names)
    return Estimate([*steps, *probe.steps()])


def describing_step(
    items: Sequence[Item], criterion: str, describer: Describer, lane: Lane
) -> tuple[StepEstimate, list[Description], int]:
    """What is asked about images by a describer around the lane's `counting`; what is known of them, and of how many
    nothing is."""
    assert lane.counting
    found = describer.describe(items, criterion)
    missing = sum(isinstance(d, Failure) and d.retryable for d in found)
    step = _step("describe", lane, lane.counting, lane.counting.taken(), Asked(), 0, missing)
    return step, [d for d in found if isinstance(d, Description)], missing


def invented(k: int, criterion: str) -> tuple[Taxonomy, list[list[str]]]:
    """K clusters of the embedding lane as they are shown to a model that names them (`lane.llmnames`), of likely
    length: words, and what their typical images show."""
    clusters = [Cluster(f"thing {i}", "", {f"thing {i} {j}": 1 for j in range(LABELS)}) for i in range(k)]
    shown = [[", ".join(f"thing {i} {j} {word}" for word in range(3)) for j in range(SAMPLES)] for i in range(k)]
    return Taxonomy(criterion, clusters), shown


def naming_step(lane: Lane, asked: Asked, k: int) -> StepEstimate:
    """All names are asked for in one request, and at worst once more."""
    names = 6 * k
    return StepEstimate(
        "merge",
        lane,
        (asked.requests, asked.requests, 2 * asked.requests),
        (asked.text / 2, asked.text, 2 * asked.text),
        (names, names, 2 * asked.longest),
        exact=False,
    )


class _Probe:
    """The language steps, gone through with the descriptions that are known, and invented ones for the others."""

    def __init__(
        self,
        reasoner: Reasoner,
        criterion: str,
        k: int | None,
        lane: Lane,
        counting: Counting,
        known: Sequence[Description],
        missing: int,
        grouper: Grouper | None = None,
        groups: int = 0,
        names: Taxonomy | None = None,
    ) -> None:
        self._reasoner, self._criterion, self._k = reasoner, criterion, k
        self._lane, self._counting = lane, counting
        self._known, self._missing = known, missing
        self._grouper, self._groups = grouper, groups
        self._names = names
        self._invented = [Description(f"?{i}", _text(i), "") for i in range(min(missing, _PROBES))]

    def steps(self) -> list[StepEstimate]:
        found = self._reasoner.label(self._known, self._criterion)
        sure = self._counting.taken()
        self._reasoner.label(self._invented, self._criterion)
        label = self._step("label", sure, found)
        taxonomy = self._names
        if taxonomy is not None:
            merge = StepEstimate("merge", self._lane)
        elif label.asks or self._missing:
            merge = self._merge_step(*self._guessed())
        else:
            labels = [x for x in found if isinstance(x, Label)]
            taxonomy = self._merge(labels)
            merge = self._merge_step([self._counting.taken()] * 3, [len({x.label.casefold() for x in labels})] * 3)
        if taxonomy is None:
            names = (Cluster(f"thing {i}") for i in range(self._k or AUTO_K))
            taxonomy = Taxonomy(self._criterion, list(names))
        placed = self._reasoner.assign(self._known, taxonomy, self._criterion)
        sure = self._counting.taken()
        self._reasoner.assign(self._invented, taxonomy, self._criterion)
        return [label, merge, self._step("assign", sure, placed)]

    def _step(self, stage: Stage, sure: Asked, found: Sequence[object]) -> StepEstimate:
        guessed = self._counting.taken().times(self._missing / max(1, len(self._invented)))
        asked = {d.text for d, f in zip(self._known, found, strict=True) if isinstance(f, Failure) and f.retryable}
        return _step(stage, self._lane, self._counting, sure, guessed, self._missing, len(asked) + self._missing)

    def _merge(self, labels: Sequence[Label], descriptions: Sequence[Description] | None = None) -> Taxonomy | None:
        """The taxonomy where the store holds all its answers; None where something had to be asked. What is asked for
        groups of its names is counted too."""
        labelled = {x.image for x in labels}
        shown = descriptions or [d for d in self._known if d.image in labelled]
        try:
            return self._reasoner.merge(shown, labels, self._criterion, min(self._k, len(labels)) if self._k else None)
        except IctcError:
            self._group()
            return None

    def _group(self) -> None:
        """Asks for groups of likely names."""
        k = self._k or AUTO_K
        names = [Label(f"?{i}", f"thing {i}") for i in range(k)]
        shown = [Description(x.image, x.label, "") for x in names]
        if self._grouper and has_groups(k, self._groups):
            with suppress(IctcError):
                self._grouper.merge(shown, names, self._criterion, groups_of(k, self._groups))

    def _guessed(self) -> tuple[list[Asked], list[int]]:
        """What a merge asks with few, likely and many different labels, and how many these are."""
        images, counts = len(self._known) + self._missing, []
        distinct = [max(self._k or 1, round(images**power)) for power in DISTINCT]
        for number in distinct:
            labels = [Label(f"?{i}", f"thing {i}") for i in range(number)]
            self._merge(labels, [Description(x.image, x.label, "") for x in labels])
            counts.append(self._counting.taken())
        return counts, distinct

    def _merge_step(self, counts: Sequence[Asked], distinct: Sequence[int]) -> StepEstimate:
        low, likely, high = counts
        if not likely.requests:
            return StepEstimate("merge", self._lane)
        likely += _placing(min(distinct[1], 600))
        high = (high + _placing(distinct[2])).times(2)
        names = 6 * (self._k or AUTO_K)
        return StepEstimate(
            "merge",
            self._lane,
            (low.requests, likely.requests, high.requests),
            (low.text, likely.text, high.text),
            (min(names, low.longest), min(names * likely.requests + 4 * distinct[1], likely.longest), high.longest),
            exact=False,
        )


def _placing(labels: int) -> Asked:
    """Labels put under names in requests of their own, each with 300 tokens beside them."""
    if labels <= 150:
        return Asked()
    requests = -(-labels // 50)
    return Asked(requests, 300 * requests + 12 * labels, 0, 512 * requests + 24 * labels)


def _step(
    stage: Stage, lane: Lane, counting: Counting, sure: Asked, guessed: Asked, invented: int, images: int
) -> StepEstimate:
    """`guessed` is what so many `invented` descriptions of likely length take; others would be shorter or longer.
    `images`: how many are asked about in all."""
    both = sure + guessed
    less, more = (1.0, 1.0) if counting.pictures.known else (0.5, 2.0)
    shorter, longer = ((DESCRIPTION[i] - DESCRIPTION[1]) * invented if guessed.requests else 0 for i in (0, 2))
    low, likely = _ANSWER[stage]
    return StepEstimate(
        stage,
        lane,
        (both.requests, both.requests, both.requests),
        (
            both.text + shorter + both.pictures * less,
            both.text + both.pictures,
            both.text + longer + both.pictures * more,
        ),
        (min(low * images, both.longest), min(likely * images, both.longest), both.longest),
        exact=not guessed.requests,
    )


def _text(number: int) -> str:
    """A description of likely length that no other image has."""
    words = (_WORDS[(number + i) % len(_WORDS)] for i in range(DESCRIPTION[1]))
    return f"{number}: {' '.join(words)}"[: DESCRIPTION[1] * 4]
