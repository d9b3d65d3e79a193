"""ViLT, and BLIP for questions, as describers: the criterion becomes the question, the answer is the description."""

from __future__ import annotations

import re

from ictc.interfaces import Model
from step1.asked import AskedDescriber, question

_PROBABILITY = re.compile(r" \([01]\.\d+\)$")


def answerer(model: Model, spec: str) -> AskedDescriber:
    return AskedDescriber(model, spec, question, answer)


def answer(text: str) -> str:
    """`red` of `red (0.83)`: a number in a description would be taken for a part of what the image shows."""
    return _PROBABILITY.sub("", text.strip())
