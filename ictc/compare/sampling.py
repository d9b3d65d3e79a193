"""Which images are compared: none that an embedder was trained on, so many of each class, and which of them count.

What is drawn depends on the seed and on the contents of the images (their names where there is no file), never on
their order: renamed, moved or among others an image keeps its place in the draw, and a smaller sample is part of a
larger one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil, floor

from ictc.errors import InputError, UsageError
from ictc.images.sources import Source

_NAMED = 4


@dataclass(frozen=True)
class Chosen:
    """`classes`: of images of `source`, as far as they are known. `test`: those that scores are of; empty: all.
    `apart`: how many images each embedder was trained on; `left_out`: how many that were together."""

    source: Source
    classes: Mapping[str, str]
    test: frozenset[str] = frozenset()
    apart: Mapping[str, int] = field(default_factory=dict)
    left_out: int = 0


def check_sampling(per_class: int | None, share: float | None, truth: str | None) -> None:
    """Raises UsageError: a number that cannot be, or no classes to sample or to split by."""
    if per_class is not None and per_class < 1:
        raise UsageError(f"--per-class {per_class}: at least one image.", "For example: --per-class 70")
    if share is not None and not 0 < share < 1:
        raise UsageError(f"--test-share {share:g}: a share lies between 0 and 1.", "For example: --test-share 0.3")
    asked = "--per-class" if per_class is not None else "--test-share" if share is not None else ""
    if asked and not truth:
        raise UsageError(f"{asked} needs the true classes.", "Add: --truth filename | folder | FILE")


def choose(
    source: Source,
    classes: Mapping[str, str],
    seen: Mapping[str, frozenset[str]],
    per_class: int | None,
    share: float | None,
    seed: int,
) -> Chosen:
    """`seen`: by embedder, the SHA-256 of the images that it was trained on.

    Raises:
        InputError: no image is left, a class is too small, or a part of the split would be empty.
    """
    chosen = _unseen(source, classes, seen)
    if per_class is not None:
        chosen = _balanced(chosen, per_class, seed)
    return chosen if share is None else replace(chosen, test=_test_part(chosen, share, seed))


def check_classes(classes: Mapping[str, str]) -> None:
    """Raises InputError: there is one class alone, of which ARI says nothing."""
    if len(found := sorted(set(classes.values()))) == 1:
        raise InputError(
            f"All {len(classes):,} images with a class are of one, '{found[0]}': there is nothing to tell apart, and "
            "ARI is undefined.",
            "Give a truth with two classes or more, or leave --truth out: silhouettes need none.",
        )


def _unseen(source: Source, classes: Mapping[str, str], seen: Mapping[str, frozenset[str]]) -> Chosen:
    known = frozenset[str]().union(*seen.values())
    items = [item for item in source.items if item.sha256 not in known]
    apart = {spec: count for spec, own in seen.items() if (count := sum(i.sha256 in own for i in source.items))}
    chosen = _of(replace(source, items=items), classes, apart, len(source.items) - len(items))
    if apart and (not items or (classes and not chosen.classes)):
        raise InputError(
            f"Nothing is left to compare: {_listed(list(apart))} {'was' if len(apart) == 1 else 'were'} trained on all "
            f"{chosen.left_out:,} images"
            f"{' with a class' if items else ''}, and scores on these would flatter.",
            "Give other images, or train on a part of these alone: ictc train ... --train-share 0.5",
        )
    return chosen


def _balanced(chosen: Chosen, count: int, seed: int) -> Chosen:
    """So many images of each class, no two of them copies of one file. Files that cannot be read are in no draw."""
    source = chosen.source
    readable = {item.name for item in source.items}
    members = _members(source, {i: c for i, c in chosen.classes.items() if i in readable}, f"sample {seed}")
    if small := sorted((len(drawn), name) for name, drawn in members.items() if len(drawn) < count):
        told = _listed([f"'{name}' ({size})" for size, name in small])
        left = ", those aside that an embedder was trained on" if chosen.left_out else ""
        raise InputError(
            f"--per-class {count}: {len(small)} of {len(members)} classes have fewer different images{left}: {told}.",
            f"Type: --per-class {small[0][0]}",
        )
    taken = {copies[0] for drawn in members.values() for copies in drawn[:count]}
    kept = replace(source, items=[item for item in source.items if item.name in taken], failures=[])
    return _of(kept, chosen.classes, chosen.apart, chosen.left_out)


def _test_part(chosen: Chosen, share: float, seed: int) -> frozenset[str]:
    """The same share of the different images of every class. Copies of one are in the same part, also where they are
    of several classes: what a labelled pairing is shown is not scored."""
    members = _members(chosen.source, chosen.classes, f"test {seed}")
    sizes = {name: floor(share * len(drawn) + 0.5) for name, drawn in members.items()}
    if empty := sorted((len(members[name]), name) for name, size in sizes.items() if not 0 < size < len(members[name])):
        told, least = _listed([f"'{name}' ({size})" for size, name in empty]), empty[0][0]
        part = "test part" if sizes[empty[0][1]] == 0 else "other part"
        fitting = ceil(100 / least) / 100 if part == "test part" else floor(100 - 100 / least) / 100
        raise InputError(
            f"--test-share {share:g} leaves the {part} without an image of {len(empty)} of {len(members)} classes: "
            f"{told}.",
            f"Type: --test-share {fitting:g}" if least > 1 else "A class of one image cannot be split: leave it out.",
        )
    contents = _contents(chosen.source)
    tested = {contents[drawn[0]] for name, each in members.items() for drawn in each[: sizes[name]]}
    return frozenset(image for image in chosen.classes if contents[image] in tested)


def _of(source: Source, classes: Mapping[str, str], apart: Mapping[str, int], left_out: int) -> Chosen:
    names = {*(item.name for item in source.items), *(f.image for f in source.failures)}
    return Chosen(source, {i: c for i, c in classes.items() if i in names}, apart=apart, left_out=left_out)


def _members(source: Source, classes: Mapping[str, str], what: str) -> dict[str, list[list[str]]]:
    """By class its images in the order of the draw called `what`, each with its copies, by name."""
    contents = _contents(source)
    found: dict[str, dict[str, list[str]]] = {}
    for image, name in classes.items():
        rank = hashlib.sha256(f"{what}\0{contents[image]}".encode(errors="surrogatepass")).hexdigest()
        found.setdefault(name, {}).setdefault(rank, []).append(image)
    return {name: [sorted(drawn[rank]) for rank in sorted(drawn)] for name, drawn in found.items()}


def _contents(source: Source) -> dict[str, str]:
    """What tells an image from others: its SHA-256, or its name where it cannot be read."""
    return {**{f.image: f.image for f in source.failures}, **{i.name: i.sha256 or i.name for i in source.items}}


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
