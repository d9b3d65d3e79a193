"""A criterion that the offline describer cannot answer is told, and no other."""

from __future__ import annotations

import pytest

from ictc.models.minilm import MiniLM
from step1.notes import notes


@pytest.mark.parametrize(
    "criterion",
    ["number of objects", "shape of the fruit", "what the person is doing", "nach Stimmung", "\u6c17\u5206", "weather",
     "indoor or outdoor", "number of colours", "123", "x" * 10_000],
)  # fmt: skip
def test_what_cannot_be_told_is_admitted_with_what_can(criterion: str) -> None:
    (note,) = notes(criterion, MiniLM())
    assert note.startswith("The offline describer cannot tell") and "--describer" in note and len(note) < 400
    assert ("spoke of the colour" in note) == ("colour" in criterion)


@pytest.mark.parametrize(
    "criterion",
    ["object", "what kind of thing is shown", "theme", "what do you see", "type of fruit", "which animal", "mood",
     "dominant colour", "by colour", "how dark it is", "gloomy or cheerful", "warm or cold colours", "background"],
)  # fmt: skip
def test_what_can_be_told_is_not_doubted(criterion: str) -> None:
    assert notes(criterion, MiniLM()) == []
