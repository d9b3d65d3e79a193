"""The embedded describer: ImageNet tags and measured attributes in words. No key, no download, no GPU.

What is stored per image does not depend on the criterion; words and vectors are made of it anew each time, so that a
new criterion costs no second look.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ictc.errors import SpecError
from ictc.fingerprint import code_digest
from ictc.interfaces import Embedder, Tick, Vectors, no_tick
from ictc.models.efficientnet import EfficientNetLite0
from ictc.registry import DescriberContext
from ictc.types import Description, Failure, Item
from step1.evidence import appearance, vectors
from step1.notes import notes
from step1.seeing import Eyes, Seen
from step1.tags import kind_in, probabilities, recognise, vocabulary_digest
from step1.topics import topics
from step1.wording import word

NAME = "offline"
_BLOCK = 4096  # images whose features and scores are held as one matrix: 20 and 16 MB


def create(argument: str, context: DescriberContext) -> OfflineDescriber:
    """The entry point `offline`; it takes no argument."""
    if argument:
        raise SpecError(f"The describer '{NAME}' takes no argument, but '{argument}' was given.", f"Write: {NAME}")
    return OfflineDescriber(Eyes(context.store, EfficientNetLite0(), context.engine), context.embedder)


class OfflineDescriber:
    """Implements `Describer`, `Evidence`, `Appearance` and `Noted`."""

    def __init__(self, eyes: Eyes, embedder: Embedder) -> None:
        self._eyes = eyes
        self._embedder = embedder

    @property
    def fingerprint(self) -> str:
        return (
            f"{NAME}/{code_digest('step1')},{vocabulary_digest()},{self._eyes.fingerprint},{self._embedder.fingerprint}"
        )

    def describe(self, items: Sequence[Item], criterion: str, tick: Tick = no_tick) -> list[Description | Failure]:
        looked = self._eyes.look(items, tick)
        seen = [s for s in looked if isinstance(s, Seen)]
        texts = iter(self._texts(seen, criterion))
        return [
            s if isinstance(s, Failure) else Description(item.name, next(texts), NAME, item.sha256)
            for item, s in zip(items, looked, strict=True)
        ]

    def evidence(self, descriptions: Sequence[Description], criterion: str) -> Vectors | None:
        seen = self._eyes.recall([d.sha256 for d in descriptions])
        if not seen:
            return None
        return vectors(topics(criterion, self._embedder), self._logits(seen))

    def appearance(self, descriptions: Sequence[Description], criterion: str) -> Vectors | None:
        seen = self._eyes.recall([d.sha256 for d in descriptions])
        if not seen:
            return None
        return appearance(topics(criterion, self._embedder), self._logits(seen))

    def notes(self, criterion: str) -> list[str]:
        return notes(criterion, self._embedder)

    def _texts(self, seen: Sequence[Seen], criterion: str) -> list[str]:
        if not seen:
            return []
        asked, within = topics(criterion, self._embedder), kind_in(criterion)
        texts = []
        for start in range(0, len(seen), _BLOCK):
            part = seen[start : start + _BLOCK]
            classes = probabilities(self._logits(part))
            texts += [word(asked, s.measured, recognise(p, within)) for s, p in zip(part, classes, strict=True)]
        return texts

    def _logits(self, seen: Sequence[Seen]) -> Vectors:
        head = self._eyes.head()
        blocks = (seen[start : start + _BLOCK] for start in range(0, len(seen), _BLOCK))
        return np.concatenate([head.logits(np.stack([s.features for s in block])) for block in blocks])
