"""CIFAR-10 (Krizhevsky 2009): the Python and the binary archive. Numbered as the test batch is, as IC|TC does."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ictc.datasets.formats.cifar import Batch, binary_batch, binary_names, named, python_batch, python_names
from ictc.datasets.recipe import ALL, Criterion, Dataset, Options, Place, Sample, Source

_PAGE = "https://www.cs.toronto.edu/~kriz/"
_BATCHES = {"test": ["test_batch"], "train": [f"data_batch_{i}" for i in range(1, 6)]}


def _read(place: Place, options: Options) -> Iterator[Sample]:
    names, number = _names(place), 0
    for split in DATASET.parts(options.split):
        for file in _BATCHES[split]:
            batch = _batch(place, file)
            for i, name in enumerate(named(file, batch.labels[0], names)):
                original = batch.names[i] if batch.names else ""
                yield Sample(number, {"object": name}, partial(batch.images.__getitem__, i), original=original)
                number += 1


def _names(place: Place) -> list[str]:
    if meta := place.find("batches.meta"):
        return python_names(place, meta, "label_names")
    return binary_names(place, place.need("batches.meta.txt"))


def _batch(place: Place, file: str) -> Batch:
    if binary := place.find(f"{file}.bin"):
        return binary_batch(place, binary)
    return python_batch(place, place.need(file), "labels")


DATASET = Dataset(
    name="cifar-10",
    title="CIFAR-10",
    page=_PAGE + "cifar.html",
    licence="none stated; the page asks for the citation",
    citation="A. Krizhevsky: Learning Multiple Layers of Features from Tiny Images. Technical report, University of "
    "Toronto, 2009",
    criteria=(Criterion("object", 10),),
    splits={"test": 10_000, "train": 50_000, ALL: 60_000},
    sources=(
        Source(  # MD5: the page; size: as torchvision and Keras report it
            file="cifar-10-python.tar.gz",
            url=_PAGE + "cifar-10-python.tar.gz",
            size=170_498_071,
            checksum="md5:c58f30108f718f92721af3b95e74349a",
        ),
        Source(  # size: TensorFlow Datasets
            file="cifar-10-binary.tar.gz",
            url=_PAGE + "cifar-10-binary.tar.gz",
            size=170_052_171,
            checksum="md5:c32a1d4ab5d03f1284b67883e8d87530",
            instead_of="cifar-10-python.tar.gz",
        ),
    ),
    read=_read,
)
