"""What every training of images needs first: the images, their classes, and which of them are trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ictc.errors import InputError
from ictc.images.sources import read_source
from ictc.scoring.truth import read_truth
from ictc.training.split import LEFT, TEST, TRAIN, split
from ictc.types import Failure, Item


@dataclass(frozen=True)
class Given:
    """`classes` None where no truth was given. `digest`: of what is trained on, contents and classes."""

    images: str
    items: list[Item]
    failures: list[Failure]
    metadata: Mapping[str, Mapping[str, str]]
    classes: Mapping[str, str] | None
    parts: dict[str, str]

    @property
    def training(self) -> list[Item]:
        return self.of(TRAIN)

    def of(self, part: str) -> list[Item]:
        """By content, whatever they are called."""
        return sorted((i for i in self.items if self.parts[i.name] == part), key=lambda i: (i.sha256, i.name))

    def untested(self, seen: frozenset[str]) -> Given:
        """Without a test on images that were trained on before."""
        known = {i.name for i in self.items if i.sha256 in seen and self.parts[i.name] == TEST}
        return replace(self, parts=self.parts | dict.fromkeys(known, LEFT))

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """For split.csv."""
        return [(i.name, i.sha256, self.parts[i.name]) for i in self.items]

    @property
    def asked(self) -> dict[str, Any]:
        """What decides the result, of the images."""
        known = [(i.sha256 or i.name, self.classes[i.name] if self.classes else "") for i in self.training]
        digest = hashlib.sha256(repr(sorted(known)).encode(errors="surrogatepass")).hexdigest()
        return {"trained on": digest[:16], "images": len(known)}


def given(images: str, truth: str | None, seed: int, *, share: float, per_class: int | None, needs: str = "") -> Given:
    """`needs`: what cannot be done without classes, for the error.

    Raises:
        InputError: images or truth. UsageError: a share that cannot be, or no truth where it is needed.
    """
    source = read_source(images)
    if needs and not truth:
        raise InputError(f"{needs} needs the true classes.", "Add: --truth filename | folder | FILE[:COLUMN]")
    names = [i.name for i in source.items]
    if not names:
        raise InputError(f"None of {len(source.failures)} images can be read: {source.failures[0].message}", "")
    classes = read_truth(truth, names, metadata=source.metadata).classes if truth else None
    parts = split(source.items, classes, seed, share=share, per_class=per_class)
    return Given(images, list(source.items), list(source.failures), source.metadata, classes, parts)
