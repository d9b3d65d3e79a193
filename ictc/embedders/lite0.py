"""`lite0`: what the embedded EfficientNet-Lite0 sees, its 1,280 pooled features as they are, not of unit length.

The embedder `offline` is made of the same features; these are before anything is done to them.
"""

from __future__ import annotations

from collections.abc import Sequence

from ictc.errors import SpecError
from ictc.interfaces import Tick, Vectors, no_tick
from ictc.models.efficientnet import EfficientNetLite0
from ictc.registry import EmbedderContext
from ictc.types import Failure, Item
from step1.seeing import Eyes, Seen

NAME = "lite0"


def create(argument: str, context: EmbedderContext) -> Lite0Features:
    """The entry point `lite0`; it takes no argument."""
    if argument:
        raise SpecError(f"The embedder '{NAME}' takes no argument, but '{argument}' was given.", f"Write: {NAME}")
    return Lite0Features(Eyes(context.store, EfficientNetLite0(), context.engine))


class Lite0Features:
    """Implements `ImageEmbedder` and `Foreseeing`. What the network saw is in the store, shared with step 1."""

    def __init__(self, eyes: Eyes) -> None:
        self._eyes = eyes

    @property
    def fingerprint(self) -> str:
        return f"{NAME}/1,{self._eyes.fingerprint}"

    def foresee(self, items: Sequence[Item]) -> None:
        self._eyes.foresee(items)

    def embed_images(self, items: Sequence[Item], tick: Tick = no_tick) -> list[Vectors | Failure]:
        return [s.features if isinstance(s, Seen) else s for s in self._eyes.look(items, tick)]
