"""`LlmReasoner`: steps 2a, 2b and 3 of IC|TC (Kwon et al., ICLR 2024) on any language model."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import TypeVar

from ictc.asking import text_fingerprint
from ictc.errors import StepError, UsageError
from ictc.fingerprint import code_digest
from ictc.interfaces import Model, Tick, no_tick
from ictc.namelist import Names
from ictc.prompts import Prompts
from ictc.reasoners.llm import assign, label
from ictc.reasoners.llm.asking import Form, Lost, ask_each
from ictc.reasoners.llm.merge import Merger
from ictc.reasoners.named import as_given
from ictc.reasoners.words import says_something
from ictc.store import content_key
from ictc.types import Assignment, Description, Failure, Label, Stage, Taxonomy

R = TypeVar("R")

CODE = ("ictc.reasoners.llm", "ictc.replies", "ictc.reasoners.named", "ictc.reasoners.words", "ictc.prompts")
STEPS = ("label", "merge", "assign", "repair")
ANSWER_TOKENS = 512
BUDGET = 8000


class LlmReasoner:
    """Implements `Reasoner`. It knows nothing of stores, retries or money: `model` may be wrapped in all of them.

    Args:
        by: the model's spec, as results show it.
        names: given beforehand; a closed list is the taxonomy, an open one is added to.
        language: of labels and names, in words; "" leaves it to the model.
        pack: descriptions per request.
        answer_tokens: at most, per description; an answer that is cut off there is asked for again with eight times as
            many.
        budget: tokens that labels may take in one merge request, at four characters each.
        naming: the prompt that asks for names in step 2b: `merge`, or `merge/groups` where labels are names already.
    """

    def __init__(
        self,
        model: Model,
        prompts: Prompts,
        by: str,
        names: Names | None = None,
        language: str = "",
        pack: int = 1,
        answer_tokens: int = ANSWER_TOKENS,
        budget: int = BUDGET,
        naming: str = "merge",
    ) -> None:
        if pack < 1:
            raise UsageError(f"{pack} descriptions cannot be put in one request.", "Use --pack 1 or more.")
        self._model = model
        self._prompts = prompts
        self._by = by
        self._names = names
        self._language = language
        self._pack = pack
        self._answer_tokens = answer_tokens
        self._budget = budget
        self._naming = naming

    @property
    def fingerprint(self) -> str:
        given = self._names
        return content_key(
            "llm-reasoner/1",
            model=text_fingerprint(self._model),
            code=code_digest(*CODE),
            prompts=self._prompts.digest(*STEPS),
            names=[[c.name, c.about] for c in given.clusters] if given else None,
            open=given.open if given else None,
            language=self._language,
            pack=self._pack,
            answer_tokens=self._answer_tokens,
            budget=self._budget,
            naming=self._naming,
        )

    def label(self, descriptions: Sequence[Description], criterion: str, tick: Tick = no_tick) -> list[Label | Failure]:
        """One label per description, in order; equal descriptions are asked once and get equal labels."""
        form = label.form(self._prompts, criterion, self._language, self._answer_tokens)
        return self._each(form, descriptions, lambda image, answer: label.label(image, answer, self._by), tick)

    def merge(
        self, descriptions: Sequence[Description], labels: Sequence[Label], criterion: str, k: int | None
    ) -> Taxonomy:
        """Exactly k names (as many as the model finds when None), or the given ones.

        Raises:
            UsageError: k is below 1, or not possible with the given names.
            StepError: nothing to name, fewer distinct descriptions than k, or the model twice gave no k distinct names.
            ModelGone: the model answers nothing more.
        """
        if k is not None and k < 1:
            raise UsageError(f"K must be at least 1, not {k}.", "Use -k with a positive number, or -k auto.")
        if self._names is not None:
            self._names.check_k(k)
            if not self._names.open or k == len(self._names.clusters):
                return as_given(self._names, labels, criterion)
        if not labels:
            raise StepError("There are no labels to merge.", "Look at failures.jsonl: no image got a label.")
        possible = max(len({d.text for d in descriptions}), len({x.label for x in labels}))
        if k is not None and k > possible and self._names is None:
            raise StepError(
                f"{k} clusters were asked for, but there are only {possible} different descriptions.",
                f"Use -k {possible} or fewer, or a describer that says more.",
            )
        merger = Merger(self._model, self._prompts, self._language, self._budget, self._naming)
        return merger.merge(descriptions, labels, criterion, k, self._names)

    def assign(
        self, descriptions: Sequence[Description], taxonomy: Taxonomy, criterion: str, tick: Tick = no_tick
    ) -> list[Assignment | Failure]:
        """One of the names for every description; an answer that is none of them, also when asked again, is none."""
        form = assign.form(self._prompts, taxonomy, criterion, self._answer_tokens)
        return self._each(form, descriptions, lambda image, answer: assign.assignment(image, answer, self._by), tick)

    def _each(
        self,
        form: Form[str],
        descriptions: Sequence[Description],
        result: Callable[[str, str | Lost], R],
        tick: Tick,
    ) -> list[R | Failure]:
        """Asks once per distinct text; a description without words is a `Failure` and is not asked about."""
        place: dict[str, int] = {}
        where = array("q", (_place(d.text, place) for d in descriptions))  # an int object each would be held besides
        texts, images = list(place), array("q", bytes(8 * len(place)))
        del place
        for i in where:
            if i >= 0:
                images[i] += 1
        tick(len(where) - sum(images))
        repair = self._prompts.open("repair")
        found = ask_each(self._model, form, texts, repair, self._pack, lambda i: tick(images[i]))
        return [
            result(d.image, found[i]) if i >= 0 else _empty(d.image, form.stage)
            for d, i in zip(descriptions, where, strict=True)
        ]


def _place(text: str, place: dict[str, int]) -> int:
    """Which of the distinct texts this is, in order of their first; -1 where it says nothing."""
    return place.setdefault(text, len(place)) if says_something(text) else -1


def _empty(image: str, stage: Stage) -> Failure:
    return Failure(image, stage, "empty-description", "The description of this image has no text.")
