"""Step 2a on a language model: a short answer to the criterion for every description."""

from __future__ import annotations

from ictc.prompts import Prompts
from ictc.reasoners.llm.asking import Form, Lost
from ictc.replies.answers import label_from, label_in
from ictc.types import Failure, Label


def form(prompts: Prompts, criterion: str, language: str, max_tokens: int) -> Form[str]:
    shared = {"criterion": criterion, "language": language}
    return Form(
        "label",
        key="label",
        schema={"type": "string"},
        single=prompts.open("label", pack=False, **shared),
        packed=prompts.open("label", pack=True, **shared),
        read=label_in,
        accept=label_from,
        max_tokens=max_tokens,
    )


def label(image: str, answer: str | Lost, by: str) -> Label | Failure:
    """What became of one image."""
    return Label(image, answer, by) if isinstance(answer, str) else answer.failure(image, "label")
