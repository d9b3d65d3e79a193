"""Embedding as work for an engine: the embedder that is there, or, with a worker, one made in the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ictc.engine import Compute
from ictc.engine.alike import check_alike
from ictc.errors import StepError
from ictc.interfaces import Embedder, ImageEmbedder, Tick, Vectors
from ictc.types import Failure, Item


@dataclass(frozen=True, slots=True)
class EmbeddingTexts:
    """Implements `Work`. `made`: gives the embedder; how it is pickled is how a worker makes its own."""

    made: Callable[[], Embedder]
    fingerprint: str
    side_by_side = False

    def open(self) -> Compute[str, Vectors]:
        embedder = self.made()
        check_alike("The embedder", self.fingerprint, embedder.fingerprint)
        return lambda texts, _tick: list(embedder.embed_texts(texts))

    def lost(self, row: str, code: str, message: str) -> Vectors:
        raise StepError(
            f"A text of {len(row)} characters could not be embedded ({code}): {message}",
            "What was embedded is kept; the same command goes on from there.",
        )


@dataclass(frozen=True, slots=True)
class EmbeddingImages:
    """Implements `Work`; see `EmbeddingTexts`."""

    made: Callable[[], ImageEmbedder]
    fingerprint: str
    side_by_side = False

    def open(self) -> Compute[Item, Vectors | Failure]:
        embedder = self.made()
        check_alike("The embedder", self.fingerprint, embedder.fingerprint)

        def compute(items: Sequence[Item], tick: Tick) -> list[Vectors | Failure]:
            return list(embedder.embed_images(items, tick))

        return compute

    def lost(self, row: Item, code: str, message: str) -> Vectors | Failure:
        return Failure(row.name, "describe", code, message, retryable=True)


@dataclass(frozen=True, slots=True)
class Itself:
    """Gives `embedder`, which is pickled as it is: without weights, where it says so (`MiniLM`)."""

    embedder: Embedder

    def __call__(self) -> Embedder:
        return self.embedder
