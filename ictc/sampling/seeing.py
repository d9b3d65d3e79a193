"""All images of a run as vectors, in the view that a sample is chosen in and a probe learns in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ictc.backends import Backends
from ictc.errors import StepError
from ictc.interfaces import Vectors
from ictc.lane.evening import view_of
from ictc.progress import Watch
from ictc.reasoners.spherical import Index
from ictc.reasoners.spherical import unit as unit_rows
from ictc.sampling.plan import GROWTH
from ictc.types import Failure, Item


@dataclass(frozen=True)
class Seen:
    """Of the images called `names`, those that have a vector (`there`: their numbers): `rows` [n, m] to compare them,
    evened (`ictc.lane.evening`: whatever the embedder, broad directions do not drown the rest); `whole` [n, d] to learn
    from, centred and of unit length, since a probe weighs directions by itself, and may need narrow ones. `unit` [n]:
    which pictures are the same, by content; `first` and `counts`: of each, the first image and how many there are."""

    names: Sequence[str]
    rows: Vectors
    whole: Vectors
    unit: Index
    first: Index
    counts: Index
    failures: Sequence[Failure]

    @property
    def there(self) -> range:
        return range(len(self.names))

    @property
    def distinct(self) -> int:
        return len(self.first)

    def name_of(self, unit: int) -> str:
        return self.names[int(self.first[unit])]

    def units_of(self, names: Iterable[str]) -> list[int]:
        number = {name: i for i, name in enumerate(self.names)}
        return list(dict.fromkeys(int(self.unit[number[name]]) for name in names if name in number))

    def next_size(self, size: int) -> int:
        return min(self.distinct, GROWTH * size)


def look(items: Sequence[Item], backends: Backends, watch: Watch) -> Seen:
    """Embed all images; those that are embedded already cost nothing.

    Raises:
        StepError: not one can be embedded.
    """
    embedder = backends.sample_embedder()
    with watch("embed", len(items)) as tick:
        found = embedder.embed_images(items, tick)
    failures = [f for f in found if isinstance(f, Failure)]
    kept = [(i, v) for i, v in zip(items, found, strict=True) if not isinstance(v, Failure)]
    if not kept:
        why = failures[0] if failures else None
        raise StepError(
            f"None of the {len(items)} images could be embedded{f' ({why.code}): {why.message}' if why else '.'}",
            "A sample is chosen by what images look like. Another embedder: --sample-embedder SPEC; or describe all: "
            "leave --sample out.",
        )
    raw = np.stack([v for _, v in kept])
    rows, whole = view_of(raw, "evened").of(raw), unit_rows(view_of(raw, "plain").of(raw))
    number: dict[str, int] = {}
    unit = np.asarray([number.setdefault(i.sha256 or f"?{i.name}", len(number)) for i, _ in kept], dtype=np.intp)
    first = np.unique(unit, return_index=True)[1].astype(np.intp)
    return Seen([i.name for i, _ in kept], rows, whole, unit, first, np.bincount(unit).astype(np.intp), failures)
