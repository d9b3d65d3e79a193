"""What a training that learned from vectors was given: the embedder that it has to be given again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ictc import registry
from ictc.embed.images import CachedImages
from ictc.errors import MissingExtra, SpecError, UsageError
from ictc.interfaces import Foreseeing, ImageEmbedder, Tick, Vectors
from ictc.models.trained import TrainedFolder
from ictc.prompts import Prompts
from ictc.registry import EmbedderContext
from ictc.types import Failure, Item

_SHOWN = 60
_COMMANDS = {"pca": "compress --method pca", "autoencoder": "compress --method autoencoder"}


class Base:
    """The embedder that `made` names, over the store of whoever uses it: what is stored there is not embedded again.

    Raises:
        SpecError: it cannot be opened, or is not the one that was trained on (another file, weights or version).
    """

    def __init__(self, found: TrainedFolder, context: EmbedderContext) -> None:
        self.spec, before = str(found.made["base"]), str(found.made["fingerprint"])
        command = _COMMANDS.get(found.kind, found.kind)
        option = "--to" if found.kind == "map" else "--embedder"
        again = f"Put it back as it was, or train anew: ictc train {command} ... {option} {self.spec} --restart"
        try:
            made = registry.embedder(self.spec, _as_trained(found, context))
        except MissingExtra:
            raise
        except UsageError as error:
            raise SpecError(
                f"{found.spec} was trained on vectors of {self.spec}, which cannot be used: {error.message}", again
            ) from error
        if not isinstance(made, ImageEmbedder):
            raise SpecError(f"{found.spec} was trained on vectors of {self.spec}, which embeds no images now.", again)
        self._made, self._cached = made, CachedImages(made, context.store)
        self.fingerprint = self._cached.fingerprint
        if self.fingerprint != before:
            raise SpecError(
                f"{found.spec} was trained on vectors of {self.spec} as it was then; now it gives others "
                f"({_difference(before, self.fingerprint)}).",
                again,
            )

    def foresee(self, items: Sequence[Item]) -> None:
        if isinstance(self._made, Foreseeing):
            self._made.foresee(items)

    def rows(self, items: Sequence[Item], tick: Tick) -> tuple[list[Vectors | Failure], Vectors]:
        """By image its vector or failure, and the vectors [n, d] alone."""
        found = self._cached.embed_images(items, tick)
        rows = [f for f in found if not isinstance(f, Failure)]
        return found, np.stack(rows) if rows else np.zeros((0, 0), np.float32)

    def texts(self, texts: Sequence[str], tick: Tick) -> Vectors:
        """[n, d], of a base that embeds texts too."""
        return self._cached.embed_texts(texts, tick)


def _as_trained(found: TrainedFolder, context: EmbedderContext) -> EmbedderContext:
    """A base that asks models (`described:`) asks what it was asked then, whatever the command's criterion is now."""
    return replace(context, kept="", criterion=str(found.made.get("criterion", "")), prompts=Prompts())


def placed(found: Sequence[Vectors | Failure], rows: Vectors) -> list[Vectors | Failure]:
    """`rows` in the places of the vectors that they were made of."""
    left = iter(rows)
    return [f if isinstance(f, Failure) else next(left) for f in found]


def _difference(before: str, now: str) -> str:
    """Fingerprints are lists of parts; the first one that differs."""
    parts = zip(before.split(","), now.split(","), strict=False)
    was, is_ = next(((a, b) for a, b in parts if a != b), (before[-_SHOWN:], now[-_SHOWN:]))
    return f"{is_[:_SHOWN]}, not {was[:_SHOWN]}"
