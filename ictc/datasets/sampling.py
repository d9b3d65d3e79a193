"""Which of a data set's samples are kept."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from ictc.datasets.recipe import Dataset, Options, Sample
from ictc.errors import UsageError

S = TypeVar("S")


def chosen(dataset: Dataset, samples: Iterable[Sample], options: Options) -> list[Sample]:
    """Those that --classes and --per-class leave, by number.

    Raises:
        UsageError: a class that the set does not have.
    """
    first = dataset.criteria[0].name
    kept = list(samples)
    if options.classes:
        known = {sample.classes.get(first, "") for sample in kept} - {""}
        if unknown := [name for name in options.classes if name not in known]:
            raise UsageError(
                f"{dataset.title} has no {first} called '{unknown[0]}'.", f"It has: {', '.join(sorted(known))}."
            )
        kept = [sample for sample in kept if sample.classes.get(first, "") in options.classes]
    if options.per_class:
        kept = drawn(kept, lambda s: s.classes.get(first, ""), lambda s: str(s.number), options)
    return sorted(kept, key=lambda sample: sample.number)


def drawn(items: Sequence[S], class_of: Callable[[S], str], name_of: Callable[[S], str], options: Options) -> list[S]:
    """At most `per_class` of each class (all where that is 0), those without a class left out.

    Drawn by a hash of the seed and the item's name: the same on every machine and with every version of every
    library, whatever the order of `items`; a smaller draw is a part of a larger one.
    """
    of: dict[str, list[S]] = defaultdict(list)
    for item in items:
        if name := class_of(item):
            of[name].append(item)

    def rank(item: S) -> bytes:
        return hashlib.sha256(f"{options.seed}\0{class_of(item)}\0{name_of(item)}".encode()).digest()

    most = options.per_class or None
    return [item for members in of.values() for item in sorted(members, key=rank)[:most]]
