"""BLIP and BLIP-2 as describers: the criterion conditions the caption; without one they say what they see."""

from __future__ import annotations

from ictc.interfaces import Model
from step1.asked import AskedDescriber, is_open, is_question, question, thing

TUNED = "captioner"
"""The kind of what `ictc train captioner` made."""


def captioner(model: Model, spec: str, kind: str) -> AskedDescriber:
    """`kind` is the configuration's model_type: `blip` goes on with a sentence, `blip-2` was shown questions too. What
    was tuned by `ictc train` says what it was taught, whatever the criterion."""
    prompts = {TUNED: lambda _: "", "blip": beginning}
    return AskedDescriber(model, spec, prompts.get(kind, question_and_answer))


def beginning(criterion: str) -> str:
    """A sentence about the criterion that BLIP completes: `the mood in this picture is`."""
    if is_open(criterion):
        return ""
    if is_question(criterion):
        return f"{question(criterion)} the answer is"
    return f"{thing(criterion)} in this picture is"


def question_and_answer(criterion: str) -> str:
    """The wording of the BLIP-2 paper (Li et al., 2023, section 4.1) for questions."""
    return "" if is_open(criterion) else f"Question: {question(criterion)} Answer:"
