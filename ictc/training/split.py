"""Which images are trained on. The others are held apart: nothing is scored on an image that it was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ictc.errors import InputError, UsageError
from ictc.types import Item

TRAIN, TEST, LEFT = "train", "test", "left"
"""Of images without a class nothing can be learned where classes are: they are left."""
_SHOWN = 5


def split(
    items: Sequence[Item],
    classes: Mapping[str, str] | None,
    seed: int,
    *,
    share: float = 1.0,
    per_class: int | None = None,
) -> dict[str, str]:
    """By image TRAIN, TEST or LEFT: of each class (of all, where `classes` is None) `share`, or `per_class` images,
    drawn by content, so that neither names nor order decide and equal files stay together. With a share below 1 each
    class of two or more images keeps one for the test.

    Raises:
        UsageError: a share or number that cannot be. InputError: one class alone, too few images, or none at all.
    """
    if not 0 < share <= 1:
        raise UsageError(f"--train-share is {share:g}.", "Give a share above 0 and up to 1, such as 0.7")
    if per_class is not None and per_class < 1:
        raise UsageError(f"--per-class is {per_class}.", "Give 1 or more.")
    if per_class is not None and classes is None:
        raise UsageError("--per-class needs the true classes.", "Add: --truth filename | folder | FILE")
    known = [i for i in items if classes is None or i.name in classes]
    members: dict[str, dict[str, list[str]]] = {}
    for item in known:
        content = item.sha256 or item.name
        members.setdefault(classes[item.name] if classes else "", {}).setdefault(content, []).append(item.name)
    _check(members, classes is not None, per_class)
    parts = dict.fromkeys((i.name for i in items), LEFT)
    for name in sorted(members):
        contents = sorted(members[name])
        count = per_class or max(1, round(share * len(contents)))
        if share < 1 and per_class is None and len(contents) > 1:
            count = min(count, len(contents) - 1)
        draw = np.random.default_rng([seed, *name.encode(errors="surrogatepass")]).permutation(len(contents))
        trained = {contents[i] for i in draw[:count]}
        for content, images in members[name].items():
            parts |= dict.fromkeys(images, TRAIN if content in trained else TEST)
    _keep_apart(items, parts)
    return parts


def _keep_apart(items: Sequence[Item], parts: dict[str, str]) -> None:
    """A file that is there twice, under two classes or without one, is not tested where it was trained on."""
    trained = {i.sha256 for i in items if parts[i.name] == TRAIN and i.sha256}
    for item in items:
        if item.sha256 in trained and parts[item.name] == TEST:
            parts[item.name] = LEFT


def _check(members: Mapping[str, Mapping[str, list[str]]], labelled: bool, per_class: int | None) -> None:
    if not members:
        raise InputError("There is no image to train on.", "See which images have a class: --truth")
    if labelled and len(members) == 1:
        raise InputError(
            f"All images are of one class, '{next(iter(members))}': there is nothing to tell apart.",
            "Say where the classes stand: --truth filename | folder | FILE[:COLUMN]",
        )
    few = {name: len(found) for name, found in sorted(members.items()) if per_class and len(found) < per_class}
    if few:
        shown = ", ".join(f"'{name}' has {n}" for name, n in list(few.items())[:_SHOWN])
        more = f" and {len(few) - _SHOWN} more classes" if len(few) > _SHOWN else ""
        raise InputError(
            f"--per-class {per_class}: there are fewer different images in some classes: {shown}{more}.",
            f"Give at most the number of the smallest: --per-class {min(few.values())}",
        )
