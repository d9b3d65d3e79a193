"""What was measured is worded so that step 2a finds the answer, and no other word."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from ictc.models.minilm import MiniLM
from ictc.reasoners.labels import answer
from step1.attributes import Measured, measure
from step1.tags import Recognised
from step1.topics import topics
from step1.wording import word

NOTHING = Recognised("", 0.0, (("cat", 0.0),), ())


def images() -> list[Measured]:
    random = np.random.default_rng(0)
    rows = []
    for light in (0, 60, 130, 190, 240):
        for tint in ((0, 0, 0), (14, 0, -40), (-40, 0, 14)):
            for noise in (0, 12, 60):
                pixels = light + np.asarray(tint) + random.normal(0, noise, (224, 224, 3))
                pixels[:, :112] -= 2 * noise
                rows.append(pixels.clip(0, 255).astype(np.uint8))
    return measure(np.stack([np.asarray(Image.fromarray(row)) for row in rows]), [(224, 224)] * len(rows))


@pytest.mark.parametrize(
    "criterion",
    ["brightness", "how bright the picture is", "mood", "atmosphere", "sharpness", "texture", "contrast",
     "saturation", "warm or cold colours"],
)  # fmt: skip
def test_every_measured_answer_is_a_label_of_its_own(criterion: str) -> None:
    embed = MiniLM().embed_texts
    asked = topics(criterion, MiniLM())
    texts = [word(asked, m, NOTHING) for m in images()]
    first = {text: text.split()[0].rstrip(".,").casefold() for text in texts}
    labels = answer(texts, criterion, embed).labels
    assert len(set(texts)) > 1
    assert {label.split()[0] for label in labels} <= set(first.values())
    assert [label.split()[0] for label in labels] == [first[text] for text in texts]


@pytest.mark.parametrize(
    ("criterion", "named"),
    [("warm or cold colours", ("temperature",)), ("colour temperature", ("temperature",)), ("colour", ("colour",)),
     ("colour saturation", ("saturation",)), ("vivid colours", ("saturation",)), ("colour and brightness",
     ("colour", "brightness")), ("dominant colour: red or light grey", ("colour",)),
     ("how it feels: dark or light", ("brightness",))],
)  # fmt: skip
def test_what_colours_are_asked_for(criterion: str, named: tuple[str, ...]) -> None:
    assert topics(criterion, MiniLM()) == named
