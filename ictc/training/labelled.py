"""What every training of images needs first: the images, their classes, and which of them are trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ictc.errors import InputError
from ictc.images.nothing import IMAGES_CAN_BE
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
    """`needs`: what cannot be done without classes, for the error; then a file that stands under several of them is of
    none, and all its copies are failures.

    Raises:
        InputError: images or truth. UsageError: a share that cannot be, or no truth where it is needed.
    """
    source = read_source(images)
    if needs and not truth:
        raise InputError(f"{needs} needs the true classes.", "Add: --truth filename | folder | FILE[:COLUMN]")
    names = [i.name for i in source.items]
    if not names:
        raise none_readable(source.failures)
    classes = read_truth(truth, names, metadata=source.metadata).classes if truth else None
    torn = _torn(source.items, classes) if needs and classes else []
    out = {f.image for f in torn}
    parts = split([i for i in source.items if i.name not in out], classes, seed, share=share, per_class=per_class)
    parts |= dict.fromkeys(out, LEFT)
    return Given(images, list(source.items), [*source.failures, *torn], source.metadata, classes, parts)


def none_readable(failures: Sequence[Failure]) -> InputError:
    """Of all images; with the reason of the first."""
    return InputError(f"None of {len(failures)} images can be read: {failures[0].message}", IMAGES_CAN_BE)


def _torn(items: Sequence[Item], classes: Mapping[str, str]) -> list[Failure]:
    """Files that are there under several classes: which of them is true nobody knows."""
    found: dict[str, dict[str, str]] = {}
    for item in items:
        if item.sha256 and item.name in classes:
            found.setdefault(item.sha256, {}).setdefault(classes[item.name], item.name)
    told = []
    for item in items:
        if item.name in classes and len(named := found.get(item.sha256, {})) > 1:
            own = classes[item.name]
            kind, image = next((k, i) for k, i in named.items() if k != own)
            message = f"The same file is there as {image}, of the class '{kind}'; this one is of '{own}'."
            told.append(Failure(item.name, "image", "two-classes", message))
    return told
