"""What a criterion asks for, among the things that the offline describer can speak of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from ictc.interfaces import Embedder

OBJECT = "object"

TOPICS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "colour": ("colour color colours colors hue hues palette tint", "the dominant colour"),
        "brightness": (
            "brightness bright dark darkness light lighting exposure luminance lightness",
            "how bright or dark the image is, its lighting",
        ),
        "mood": ("mood atmosphere emotion feeling ambience tone", "the mood or atmosphere"),
        "saturation": ("saturation vividness vivid colourfulness colorfulness", "how vivid the colours are"),
        "temperature": ("warmth temperature", "warm or cold colours"),
        "contrast": ("contrast", "the contrast between light and dark"),
        "sharpness": ("sharpness sharp blur blurry blurriness focus quality", "how sharp or blurred the image is"),
        "shape": (
            "orientation portrait landscape aspect format dimensions resolution",
            "the orientation and format of the image, portrait or landscape",
        ),
        "background": ("background backdrop", "the background"),
        "texture": ("texture textured pattern busyness complexity clutter detail", "texture, plain or busy"),
        OBJECT: ("", "the kind of object, animal or thing that is shown"),
    }
)
"""For each topic the words that name it, and a phrase that criteria in other words are compared with."""

OF_COLOURS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(["warm", "cold", "cool", "warmth", "temperature"], "temperature"),
        **dict.fromkeys(["saturation", "saturated", "vivid", "vividness", "muted", "pale"], "saturation"),
    }
)
"""With these words beside it, `colours` asks for that topic, not for the colours: `warm or cold colours`."""

_CLEAR = 0.5  # cosine from which on a phrase stands for the criterion; below it, what is shown is spoken of


def topics(criterion: str, embedder: Embedder) -> tuple[str, ...]:
    """The topics a criterion names, in the order of TOPICS; by meaning where no word of it is known; never empty.

    Answers that are listed behind a colon are not asked about: `dominant colour: red or light grey` is not about light.
    """
    asked, colon, _ = criterion.partition(":")
    if colon and (found := _named(asked)):
        return found
    return _named(criterion) or (likeliest(criterion, embedder) or OBJECT,)


def _named(criterion: str) -> tuple[str, ...]:
    words = set(re.findall(r"[a-z]+", criterion.lower()))
    named = tuple(topic for topic, (known, _) in TOPICS.items() if words & set(known.split()))
    finer = {topic for word, topic in OF_COLOURS.items() if word in words} if "colour" in named else set()
    if finer:
        named = tuple(topic for topic in TOPICS if topic in finer or (topic in named and topic != "colour"))
    return named


def likeliest(criterion: str, embedder: Embedder) -> str:
    """The topic that a criterion in other words is clearly about by meaning; "" where it is about none.

    Never the background, which is near to whatever is said of pictures (`scene`, `theme`): that has to be named.
    """
    known = [topic for topic in TOPICS if topic != "background"]
    vectors = embedder.embed_texts([criterion, *(TOPICS[topic][1] for topic in known)])
    similar = vectors[1:] @ vectors[0]
    best = int(np.argmax(similar))
    return known[best] if similar[best] >= _CLEAR else ""
