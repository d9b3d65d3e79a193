"""Two reasoners: the cheap one answers all, the strong one a covering sample, the names, and what is uncertain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ictc.allowance import Allowance
from ictc.errors import StepError
from ictc.fingerprint import code_digest
from ictc.interfaces import Reasoner, Tick, Vectors, no_tick
from ictc.progress import AtMost
from ictc.reasoners.cascade.asking import Asking
from ictc.reasoners.cascade.bargain import Bargain
from ictc.reasoners.cascade.calibration import calibrate
from ictc.reasoners.cascade.coverage import cover
from ictc.reasoners.cascade.plan import Budget, Plan
from ictc.reasoners.embedding import BY, EmbeddingReasoner
from ictc.reasoners.llm.merge import IN_REPLY
from ictc.reasoners.spherical import Index, nearest
from ictc.reasoners.words import same_word_key, says_something
from ictc.store import content_key
from ictc.types import GONE, Assignment, Description, Failure, Label, Taxonomy

CODE = ("ictc.reasoners.cascade", "ictc.allowance")


class CascadeReasoner:
    """Implements `Reasoner`. `strong` must ask its model through `allowance`, which holds it to the budget.

    Args:
        unpaid: who names where the budget is nothing; by default `cheap`, which knows of no names given beforehand.
        names_given: whether `strong` has all its names already: then nothing is spent on labels and names,
        levels: but, with more than one of these, on merging the names into groups.
        pack: descriptions that a request of `strong` holds.
        recalled: who labels as `strong` did before, without asking; by default nobody.
    """

    def __init__(
        self,
        cheap: EmbeddingReasoner,
        strong: Reasoner,
        allowance: Allowance,
        budget: Budget,
        unpaid: Reasoner | None = None,
        names_given: bool = False,
        levels: int = 1,
        pack: int = 1,
        recalled: Reasoner | None = None,
    ) -> None:
        self._cheap = cheap
        self._strong = strong
        self._allowance = allowance
        self._budget = budget
        self._unpaid = unpaid or cheap
        self._names_given = names_given
        self._levels = levels
        self._pack = pack
        self._recalled = recalled
        self._unlabelled = 0  # descriptions whose label failed for a reason that may pass
        self.bargain: Bargain | None = None

    @property
    def fingerprint(self) -> str:
        return content_key(
            "cascade/1",
            cheap=self._cheap.fingerprint,
            strong=self._strong.fingerprint,
            budget=str(self._budget),
            names_given=self._names_given,
            code=code_digest(*CODE),
        )

    def label(self, descriptions: Sequence[Description], criterion: str, tick: Tick = no_tick) -> list[Label | Failure]:
        """The strong reasoner's label for a sample that covers the descriptions; each other text has the label of the
        one in the sample that lies nearest to it, and says so in `by`."""
        worded = [d for d in descriptions if says_something(d.text)]
        self._unlabelled = 0
        if not worded or not self._plan(worded).label:
            return self._cheap.label(descriptions, criterion, tick)
        rows = self._cheap.rows(worded, criterion)
        sample = self._sample(worded, rows)
        once = AtMost(len(descriptions), tick)
        self._allowance.left = self._plan(worded).label
        asked = self._strong.label([worded[i] for i in sample], criterion, once)
        self._unlabelled = sum(isinstance(x, Failure) and x.retryable for x in asked)
        if lost := _gone(asked):
            return [replace(lost, image=d.image) for d in descriptions]
        labels = {i: x for i, x in zip(sample.tolist(), asked, strict=True) if isinstance(x, Label)}
        if not labels:
            failed = next(x for x in asked if isinstance(x, Failure))
            return [replace(failed, image=d.image) for d in descriptions]
        near = nearest(rows, rows[list(labels)].astype(np.float64))
        known = list(labels.values())
        own = {worded[i].text: x for i, x in labels.items()}
        found = {
            d.image: replace(own[d.text], image=d.image) if d.text in own else Label(d.image, known[i].label, BY)
            for d, i in zip(worded, near.tolist(), strict=True)
        }
        once.rest()
        return [found.get(d.image) or unworded(d.image) for d in descriptions]

    def merge(
        self, descriptions: Sequence[Description], labels: Sequence[Label], criterion: str, k: int | None
    ) -> Taxonomy:
        """The strong reasoner's K names; those of `unpaid` where the budget is nothing. Raises as these do."""
        plan = self._plan([d for d in descriptions if says_something(d.text)])
        self._allowance.left = plan.merge
        if not plan.merge and not self._names_given:
            return self._unpaid.merge(descriptions, labels, criterion, k)
        try:
            return self._strong.merge(descriptions, labels if plan.label else _common(labels, k or 0), criterion, k)
        except StepError as e:
            if self._allowance.left or self._names_given:
                raise
            raise StepError(e.message, f"A --budget above {self._budget} leaves more requests for the names.") from e

    def assign(
        self, descriptions: Sequence[Description], taxonomy: Taxonomy, criterion: str, tick: Tick = no_tick
    ) -> list[Assignment | Failure]:
        """A name for every description: the strong reasoner's where it was asked and gave one of the names.

        Raises:
            StepError: it was asked, and no question was answered.
        """
        worded = [d for d in descriptions if says_something(d.text)]
        plan = self._plan(worded)
        if not worded or taxonomy.k == 1 or not plan.assign:
            self.bargain = Bargain(str(self._budget), len(descriptions))
            return self._cheap.assign(descriptions, taxonomy, criterion, tick)
        hints = self._hints(worded, taxonomy, criterion)
        places, labels = self._cheap.places(worded, taxonomy, criterion)
        once = AtMost(len(descriptions), tick)

        def ask(rows: Sequence[int]) -> list[Assignment | Failure]:
            return self._strong.assign([worded[i] for i in rows], taxonomy, criterion, once)

        self._allowance.left = plan.assign
        asking = Asking(ask, self._allowance, [d.text for d in worded], taxonomy.names, places, hints, self._pack)
        lost = asking.uncertain(plan.assign) or asking.audit(plan.assign)
        once.rest()
        if lost is None and (unheard := asking.unheard):
            raise StepError(
                f"None of the images put to the model got an answer ({unheard.code}): {unheard.message}",
                "Everything else is kept. Mend it and run the same command again, or do without: --no-cascade "
                "--reasoner offline",
            )
        shares = asking.shares()
        scaling = calibrate(asking.trusted, asking.agreed)
        sure = scaling(shares.max(1))
        found: dict[str, Assignment | Failure] = {}
        for i, d in enumerate(worded):
            answer = asking.answer(i)
            if isinstance(answer, Assignment) and answer.cluster is not None:
                found[d.image] = replace(answer, image=d.image)
            elif lost is not None and answer is None:
                found[d.image] = replace(lost, image=d.image)
            else:
                said = f" (the model, asked, named none: {answer.evidence})" if isinstance(answer, Assignment) else ""
                if failed := asking.unanswered(i):
                    said = f" (the model, asked, gave no usable answer: {failed.code})"
                name = taxonomy.names[shares[i].argmax()]
                found[d.image] = Assignment(d.image, name, round(float(sure[i]), 4), BY, labels[i] + said)
        found_worth = asking.bargain(str(self._budget), len(descriptions))
        self.bargain = replace(found_worth, passing=found_worth.passing + self._unlabelled)
        return [
            found.get(d.image)
            or Failure(d.image, "assign", "empty-description", "The description of this image has no text.")
            for d in descriptions
        ]

    def _plan(self, worded: Sequence[Description]) -> Plan:
        """For the descriptions that say something: all steps have the same ones."""
        return self._budget.plan(len(worded), self._names_given, self._levels, self._pack)

    def _sample(self, worded: Sequence[Description], rows: Vectors) -> Index:
        """Rows of the descriptions that the strong reasoner labels. Every tenth request is for asking again."""
        most = self._plan(worded).label
        return cover(rows, self._pack * max(1, most - most // 10))

    def _hints(self, worded: Sequence[Description], taxonomy: Taxonomy, criterion: str) -> dict[int, int]:
        """The clusters of the sample's labels, where these are known: what was paid for in step 2a."""
        if self._recalled is None or not self._plan(worded).label:
            return {}
        home = {same_word_key(x): i for i, c in enumerate(taxonomy.clusters) for x in c.labels}
        home |= {same_word_key(c.name): i for i, c in enumerate(taxonomy.clusters)}
        sample = self._sample(worded, self._cheap.rows(worded, criterion))
        labels = self._recalled.label([worded[i] for i in sample], criterion)
        return {
            i: home[same_word_key(x.label)]
            for i, x in zip(sample.tolist(), labels, strict=True)
            if isinstance(x, Label) and same_word_key(x.label) in home
        }


def unworded(image: str) -> Failure:
    """In the place of the label of a description that says nothing."""
    return Failure(image, "label", "empty-description", "The description of this image has no text.")


def _common(labels: Sequence[Label], k: int) -> list[Label]:
    """Those whose label is common: as many distinct ones as one request can name and place."""
    count = Counter(x.label for x in labels)
    kept = {label for label, _ in sorted(count.items(), key=lambda x: (-x[1], x[0]))[: max(IN_REPLY, k)]}
    return [x for x in labels if x.label in kept]


def _gone(found: Sequence[object]) -> Failure | None:
    return next((f for f in found if isinstance(f, Failure) and f.code in GONE), None)
