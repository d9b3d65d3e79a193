"""Food-101 (Bossard et al. 2014), and 30 of its classes. The criterion is the dish."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ictc.datasets.formats.tables import lines
from ictc.datasets.recipe import ALL, Criterion, Dataset, Options, Place, Sample, Source
from ictc.errors import InputError


def _read(most: int, place: Place, options: Options) -> Iterator[Sample]:
    listed = place.need("meta/classes.txt")
    dishes = sorted(dish for _, dish in lines(place, listed))
    if len(dishes) < most:
        raise InputError(f"{listed} has {len(dishes)} classes, not {most}.", "Give the whole food-101.tar.gz.")
    wanted, number = set(dishes[:most]), 0
    for part in DATASET.parts(options.split):
        names = place.need(f"meta/{part}.txt")
        for line, name in lines(place, names):
            dish = name.partition("/")[0]
            if dish not in dishes:
                raise InputError(f"{names}, line {line}: {dish!r} is no class of {listed}.", "Get the archive again.")
            if dish in wanted:
                image = place.find(f"images/{name}.jpg")
                if image is None:
                    raise InputError(
                        f"{names}, line {line}: there is no image {name!r} in images.", "Get the archive again."
                    )
                yield Sample(number, {"dish": dish}, place.member(image), ".jpg", original=f"{name}.jpg")
            number += 1


def _dataset(name: str, title: str, classes: int, note: str) -> Dataset:
    return Dataset(
        name=name,
        title=title,
        page="https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/",
        licence="none stated for the whole; the images are Foodspotting's, use beyond scientific fair use is to be "
        "negotiated with their owners",
        citation="L. Bossard, M. Guillaumin, L. Van Gool: Food-101 - Mining Discriminative Components with Random "
        "Forests. ECCV 2014",
        criteria=(Criterion("dish", classes),),
        splits={"test": 250 * classes, "train": 750 * classes, ALL: 1000 * classes},
        sources=(
            Source(
                file="food-101.tar.gz",
                url="http://data.vision.ee.ethz.ch/cvl/food-101.tar.gz",
                size=4_996_278_331,  # size and SHA-256: TensorFlow Datasets
                checksum="sha256:d97d15e438b7f4498f96086a4f7e2fa42a32f2712e87d3295441b2b6314053a4",
            ),
        ),
        read=partial(_read, classes),
        note=note,
    )


DATASET = _dataset("food-101", "Food-101", 101, "")
THIRTY = _dataset(
    "food-101-30",
    "Food-101, 30 classes",
    30,
    "The 30 classes are the first of the alphabet, for want of a published list of those the study used: for others, "
    "food-101 with --classes FILE. The study's sample is not published either: --per-class and --seed draw one.",
)
