"""MNIST: handwritten digits (LeCun, Cortes, Burges). The criterion is the digit."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ictc.datasets.formats.idx import images, labels
from ictc.datasets.recipe import ALL, Criterion, Dataset, Options, Place, Sample, Source

# The publisher's page has no files any more; this is the copy that PyTorch keeps. MD5: torchvision; sizes and the very
# same files at a second mirror: TensorFlow Datasets.
_MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_STEMS = {"test": "t10k", "train": "train"}


def _read(place: Place, options: Options) -> Iterator[Sample]:
    number = 0
    for split in DATASET.parts(options.split):
        pixels = images(place, _file(place, f"{_STEMS[split]}-images", "idx3-ubyte"))
        digits = labels(place, _file(place, f"{_STEMS[split]}-labels", "idx1-ubyte"), most=9, count=len(pixels))
        for i, digit in enumerate(digits):
            yield Sample(number, {"digit": str(digit)}, partial(pixels.__getitem__, i))
            number += 1


def _file(place: Place, stem: str, ending: str) -> str:
    """Unpacked files are met with a hyphen or a dot in the middle."""
    return place.need(f"{stem}-{ending}.gz", f"{stem}-{ending}", f"{stem}.{ending}", f"{stem}.{ending}.gz")


def _source(file: str, size: int, md5: str, split: str) -> Source:
    return Source(file=file, url=_MIRROR + file, size=size, checksum=f"md5:{md5}", splits=(split,))


DATASET = Dataset(
    name="mnist",
    title="MNIST handwritten digits",
    page="http://yann.lecun.com/exdb/mnist/",
    licence="none stated by the publisher on the page",
    citation="Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to document recognition. "
    "Proceedings of the IEEE 86(11), 1998",
    criteria=(Criterion("digit", 10),),
    splits={"test": 10_000, "train": 60_000, ALL: 70_000},
    sources=(
        _source("t10k-images-idx3-ubyte.gz", 1_648_877, "9fb629c4189551a2d022fa330f9573f3", "test"),
        _source("t10k-labels-idx1-ubyte.gz", 4_542, "ec29112dd5afa0611ce80d1b7f02629c", "test"),
        _source("train-images-idx3-ubyte.gz", 9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873", "train"),
        _source("train-labels-idx1-ubyte.gz", 28_881, "d53e105ee54ea40749a09fcbcd1e9432", "train"),
    ),
    read=_read,
)
