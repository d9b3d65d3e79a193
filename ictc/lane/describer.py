"""Step 1 of the embedding lane: a vector per image, and in words what it was made of, or what lies nearest to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ictc.embed.images import CachedImages
from ictc.errors import InputError
from ictc.fingerprint import code_digest
from ictc.interfaces import Tick, no_tick
from ictc.lane.words import nearest_words
from ictc.means import Lane, lane_from_json
from ictc.result import Result
from ictc.runfolder import Settings
from ictc.types import Description, Failure, Item
from step1.tags import vocabulary_digest

WORDLESS = "no words: this embedder knows images alone"
_KIND = "lane/"


def kept_lane(settings: Settings) -> Lane | None:
    """The embedding lane of a revision, which finds its vectors also where the embedder's file or folder is gone: they
    are stored under the embedder's part of `LaneDescriber.fingerprint`."""
    lane, described = lane_from_json(settings.lane), settings.describer_fingerprint
    kept = described.split(",", 2)[2] if described.startswith(_KIND) else ""
    return lane and replace(lane, kept=kept, criterion=settings.criterion)


def worded(result: Result) -> Result:
    """The result with labels and descriptions of those images alone of which something is said: that all others are
    called one thing makes no clusters alike."""
    mute = {d.image for d in result.descriptions if d.text == WORDLESS}
    if not mute:
        return result
    said = [d for d in result.descriptions if d.image not in mute]
    return replace(result, descriptions=said, labels=[x for x in result.labels if x.image not in mute])


class LaneDescriber:
    """Implements `Describer`. What it says depends on the image and the embedder alone, so that another strategy, K or
    clusterer finds the same step 1."""

    def __init__(self, images: CachedImages, spec: str) -> None:
        self._images = images
        self._spec = spec

    @property
    def seen(self) -> frozenset[str]:
        """The SHA-256 of the images that the embedder was trained on."""
        return self._images.seen

    @property
    def fingerprint(self) -> str:
        code = code_digest("ictc.lane.describer", "ictc.lane.words")
        return f"{_KIND}{code},{vocabulary_digest()},{self._images.fingerprint}"

    def describe(self, items: Sequence[Item], criterion: str, tick: Tick = no_tick) -> list[Description | Failure]:
        """Raises InputError: stored vectors have another width than the embedder's."""
        found = self._images.embed_images(items, tick)
        rows = [v for v in found if not isinstance(v, Failure)]
        if len(widths := sorted({len(v) for v in rows})) > 1:
            raise InputError(
                f"The vectors of the images have different widths: {', '.join(map(str, widths))}.",
                "The store holds some of another embedder under the same name: add --recompute.",
            )
        texts = iter([WORDLESS] * len(rows))
        there = [i for i, v in zip(items, found, strict=True) if not isinstance(v, Failure)]
        if (told := self._images.told(there)) is not None:
            texts = iter(told)
        elif rows and self._images.joint:
            texts = iter([", ".join(near) for near in nearest_words(np.stack(rows), self._images.embed_texts)])
        return [
            v if isinstance(v, Failure) else Description(item.name, next(texts), self._spec, item.sha256)
            for item, v in zip(items, found, strict=True)
        ]
