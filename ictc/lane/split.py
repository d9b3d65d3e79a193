"""Which images a supervised result is scored on: those whose truth it was not shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ictc.errors import UsageError
from ictc.means import Lane
from ictc.promptset import PromptSet
from ictc.scoring.truth import read_truth

SHARE = 0.3
"""Of each class, for the test; at least one of two."""


def knowing(lane: Lane, images: Sequence[str], metadata: Mapping[str, Mapping[str, str]]) -> Lane:
    """The lane with the classes that its pairing `label` is shown; as it is where it has them, or needs none.

    Raises:
        InputError: the truth cannot be read, or matches no image. UsageError: the prompts lack a class of it.
    """
    if not lane.supervised or lane.shown:
        return lane
    return showing(lane, read_truth(lane.truth, images, metadata).classes)


def showing(lane: Lane, classes: Mapping[str, str]) -> Lane:
    """The lane that is shown all of `classes` but a test split.

    Raises:
        UsageError: the prompts lack one of them.
    """
    assert lane.prompt_set is not None
    check_classes(classes.values(), lane.prompt_set)
    test = held_out(classes, lane.seed)
    return replace(lane, shown={image: name for image, name in classes.items() if image not in test})


def check_classes(classes: Iterable[str], prompts: PromptSet) -> None:
    """Raises UsageError: the truth has a class that the prompts have not."""
    unknown = sorted(set(classes) - set(prompts.classes))
    if not unknown:
        return
    alike = next((c for c in prompts.classes if c.casefold() == unknown[0].casefold()), None)
    listed = ", ".join(map(repr, prompts.classes[:3])) + (", ..." if len(prompts.classes) > 3 else "")
    raise UsageError(
        f"The truth has the class '{unknown[0]}', and the prompts file has not.",
        f"Write it alike in both: the prompts file has '{alike}'." if alike else f"Add it to: classes = [{listed}]",
    )


def held_out(classes: Mapping[str, str], seed: int) -> frozenset[str]:
    """A stratified test split of images with a class: the same for the same names, classes and seed."""
    members: dict[str, list[str]] = {}
    for image in sorted(classes):
        members.setdefault(classes[image], []).append(image)
    chosen: list[str] = []
    for name in sorted(members):
        images = members[name]
        count = max(round(SHARE * len(images)), 1) if len(images) > 1 else 0
        draw = np.random.default_rng([seed, *name.encode()])
        chosen += [images[i] for i in draw.permutation(len(images))[:count]]
    return frozenset(chosen)
