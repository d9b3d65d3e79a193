"""STL-10 (Coates, Lee, Ng 2011): its labelled images. Numbered from 0 in the order of its files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ictc.datasets.formats.cifar import binary_names
from ictc.datasets.formats.stl import classes, images
from ictc.datasets.recipe import ALL, Criterion, Dataset, Options, Place, Sample, Source

_FILE = "stl10_binary.tar.gz"


def _read(place: Place, options: Options) -> Iterator[Sample]:
    names, number = binary_names(place, place.need("class_names.txt")), 0
    for split in DATASET.parts(options.split):
        pixels = images(place, place.need(f"{split}_X.bin"))
        for i, name in enumerate(classes(place, place.need(f"{split}_y.bin"), names, len(pixels))):
            yield Sample(number, {"object": name}, partial(pixels.__getitem__, i))
            number += 1


DATASET = Dataset(
    name="stl-10",
    title="STL-10",
    page="https://cs.stanford.edu/~acoates/stl10/",
    licence="none stated; the images are from ImageNet",
    citation="A. Coates, H. Lee, A. Y. Ng: An Analysis of Single Layer Networks in Unsupervised Feature Learning. "
    "AISTATS 2011",
    criteria=(Criterion("object", 10),),
    splits={"test": 8_000, "train": 5_000, ALL: 13_000},
    sources=(
        Source(  # MD5: torchvision; size: TensorFlow Datasets. It has 100,000 images without a class as well
            file=_FILE,
            url="http://ai.stanford.edu/~acoates/stl10/" + _FILE,
            size=2_640_397_119,
            checksum="md5:91f7769df0f17e558f3565bffb0c7dfb",
        ),
    ),
    read=_read,
)
