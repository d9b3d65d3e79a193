"""Step 3 on a language model: one of the K names for every description, or none."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ictc.prompts import Prompts
from ictc.reasoners.llm.asking import Form, Lost
from ictc.replies.answers import choice_from, choice_in
from ictc.replies.form import as_data
from ictc.types import Assignment, Cluster, Failure, Taxonomy

_OFF_LIST = frozenset(["off-list", "unparsable", "refused", "empty"])
"""What the model answered is none of the names: the image is unassigned, with the answer as evidence."""


def form(prompts: Prompts, taxonomy: Taxonomy, criterion: str, max_tokens: int) -> Form[str]:
    names = taxonomy.names
    shared = {"criterion": criterion, "names": listed(taxonomy.clusters)}
    return Form(
        "assign",
        key="category",
        schema={"type": "string", "enum": names},
        single=prompts.open("assign", pack=False, **shared),
        packed=prompts.open("assign", pack=True, **shared),
        read=partial(choice_in, names=names),
        accept=partial(choice_from, names=names),
        max_tokens=max_tokens,
    )


def listed(clusters: Sequence[Cluster]) -> str:
    """The names, with what belongs to each where that is known, as JSON for a prompt."""
    return as_data([{"name": c.name, "about": c.about} if c.about else {"name": c.name} for c in clusters])


def assignment(image: str, answer: str | Lost, by: str) -> Assignment | Failure:
    """What became of one image. A language model says no probability, so none is made up."""
    if isinstance(answer, str):
        return Assignment(image, answer, by=by)
    if answer.answered and answer.code in _OFF_LIST:
        return Assignment(image, None, by=by, evidence=answer.answer)
    return answer.failure(image, "assign")
