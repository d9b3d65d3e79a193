"""Fruits-360 (Oltean), at 100 x 100 and at original size. Criteria: type, colour, variety.

The set names varieties (`Apple Golden 1`) and nothing else. The type is the first word. The colour is known where the
name states one: where just one of the words after the first is a word for a colour. `Apple Red Yellow 1` has two,
`Orange 1` none.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import partial

from ictc.datasets.recipe import ALL, Criterion, Dataset, Options, Place, Sample, Source
from ictc.errors import InputError

_BASIC = {"black", "white", "red", "green", "yellow", "blue", "brown", "purple", "pink", "orange", "grey", "gray"}
"""The basic colour terms of English (Berlin, Kay 1969)."""

_COLOURS = _BASIC | {"crimson", "golden", "maroon", "scarlet", "turquoise", "violet"}  # and shades that name no thing
_FOLDERS = {"test": "Test", "train": "Training", "validation": "Validation"}


def kind(variety: str) -> str:
    """`Cherry Wax Red 3` -> `cherry`."""
    return variety.split()[0].lower()


def colour(variety: str) -> str:
    """`Cherry Wax Red 3` -> `red`; "" where the name states none, or two."""
    stated = {word for word in re.findall("[a-z]+", variety.lower())[1:] if word in _COLOURS}
    return stated.pop() if len(stated) == 1 else ""


def _read(splits: tuple[str, ...], place: Place, options: Options) -> Iterator[Sample]:
    number = 0
    for split in splits if options.split == ALL else [options.split]:
        folder = _FOLDERS[split]
        names = [name for name in place.within(folder) if name.lower().endswith((".jpg", ".png"))]
        if not names:
            raise InputError(f"There is no image in a folder {folder}.", f"Give the folder that holds {folder}.")
        roots = {name[: -len(place.below(name, folder))] for name in names}
        if len(roots) > 1:
            raise InputError(
                f"There are several sets of images: {', '.join(sorted(roots)[:3])}.", "Give the folder of one of them."
            )
        for name in names:
            variety, _, _ = place.below(name, folder).partition("/")
            if not variety.split() or "/" not in place.below(name, folder):
                raise InputError(f"{name} lies in no folder of a variety.", "Give the set as it is published.")
            classes = {"type": kind(variety), "colour": colour(variety), "variety": variety}
            suffix = posixpath.splitext(name)[1].lower()
            yield Sample(number, classes, place.member(name), suffix, original=place.below(name, folder))
            number += 1


def _dataset(name: str, title: str, repository: str, splits: tuple[str, ...]) -> Dataset:
    page = f"https://github.com/fruits-360/{repository}"
    return Dataset(
        name=name,
        title=f"Fruits-360, {title}",
        page=page,
        licence="CC BY-SA 4.0",
        citation="M. Oltean: Fruits-360 dataset, 2017-; H. Muresan, M. Oltean: Fruit recognition from images using "
        "deep learning. Acta Universitatis Sapientiae, Informatica 10(1), 2018",
        criteria=(Criterion("type"), Criterion("colour"), Criterion("variety")),
        splits=dict.fromkeys((*splits, ALL), 0),
        sources=(Source(file=f"{repository}-main.zip", url=f"{page}/archive/refs/heads/main.zip"),),
        read=partial(_read, splits),
        note="The set grows: classes and numbers of images depend on the day, and no checksum is published.",
    )


DATASET = _dataset("fruits-360", "100 x 100 pixels", "fruits-360-100x100", ("test", "train"))
ORIGINAL = _dataset("fruits-360-original", "original size", "fruits-360-original-size", ("test", "train", "validation"))
