"""CIFAR-100 (Krizhevsky 2009): 20 superclasses, and 100 classes.

IC|TC clusters by the superclass and numbers the test images from 1, superclass by superclass and class by class
(its results go `500_aquatic_mammals.png`, `501_fish.png`); so does this.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ictc.datasets.formats.cifar import Batch, binary_batch, binary_names, named, python_batch, python_names
from ictc.datasets.recipe import ALL, Criterion, Dataset, Options, Place, Sample, Source

_PAGE = "https://www.cs.toronto.edu/~kriz/"


def _read(place: Place, options: Options) -> Iterator[Sample]:
    coarse, fine = _names(place)
    number = 1
    for split in DATASET.parts(options.split):
        batch = _batch(place, split)
        above, below = named(split, batch.labels[0], coarse), named(split, batch.labels[1], fine)
        for i in sorted(range(len(above)), key=lambda i: (batch.labels[0][i], batch.labels[1][i], i)):
            classes = {"superclass": above[i], "class": below[i]}
            original = batch.names[i] if batch.names else ""
            yield Sample(number, classes, partial(batch.images.__getitem__, i), original=original)
            number += 1


def _names(place: Place) -> tuple[list[str], list[str]]:
    if text := place.find("coarse_label_names.txt"):
        return binary_names(place, text), binary_names(place, place.need("fine_label_names.txt"))
    meta = place.need("meta")
    return python_names(place, meta, "coarse_label_names"), python_names(place, meta, "fine_label_names")


def _batch(place: Place, split: str) -> Batch:
    if binary := place.find(f"{split}.bin"):
        return binary_batch(place, binary, kinds=2)
    return python_batch(place, place.need(split), "coarse_labels", "fine_labels")


DATASET = Dataset(
    name="cifar-100",
    title="CIFAR-100",
    page=_PAGE + "cifar.html",
    licence="none stated; the page asks for the citation",
    citation="A. Krizhevsky: Learning Multiple Layers of Features from Tiny Images. Technical report, University of "
    "Toronto, 2009",
    criteria=(Criterion("superclass", 20), Criterion("class", 100)),
    splits={"test": 10_000, "train": 50_000, ALL: 60_000},
    sources=(
        Source(  # MD5: torchvision; size: as torchvision and Keras report it
            file="cifar-100-python.tar.gz",
            url=_PAGE + "cifar-100-python.tar.gz",
            size=169_001_437,
            checksum="md5:eb9058c3a382ffc7106e4002c42a8d85",
        ),
        Source(  # size and SHA-256: TensorFlow Datasets
            file="cifar-100-binary.tar.gz",
            url=_PAGE + "cifar-100-binary.tar.gz",
            size=168_513_733,
            checksum="sha256:58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            instead_of="cifar-100-python.tar.gz",
        ),
    ),
    read=_read,
)
