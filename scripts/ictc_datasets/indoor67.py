"""MIT Indoor 67 (Quattoni, Torralba 2009). The criterion is the scene."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from ictc.datasets.formats.tables import lines
from ictc.datasets.recipe import ALL, Criterion, Dataset, Options, Place, Sample, Source
from ictc.errors import InputError

_LISTS = {"test": "TestImages.txt", "train": "TrainImages.txt"}


def _read(place: Place, options: Options) -> Iterator[Sample]:
    number = 0
    for part in DATASET.parts(options.split):
        listed = place.need(_LISTS[part])
        for line, name in lines(place, listed):
            image = place.find(f"Images/{name}", name)
            if image is None:
                raise InputError(
                    f"{listed}, line {line}: there is no image {name!r} in Images.", "Give the whole indoorCVPR_09.tar."
                )
            classes = {"scene": posixpath.dirname(name)}
            yield Sample(number, classes, place.member(image), posixpath.splitext(name)[1].lower(), original=name)
            number += 1


def _list(part: str) -> Source:
    return Source(file=_LISTS[part], url=f"https://web.mit.edu/torralba/www/{_LISTS[part]}", splits=(part,))


DATASET = Dataset(
    name="mit-indoor-67",
    title="MIT Indoor 67",
    page="http://web.mit.edu/torralba/www/indoor.html",
    licence="for research purposes only",
    citation="A. Quattoni, A. Torralba: Recognizing Indoor Scenes. CVPR 2009",
    criteria=(Criterion("scene", 67),),
    splits={"test": 67 * 20, "train": 67 * 80, ALL: 67 * 100},
    sources=(
        Source(  # the publisher states no checksum; this is the package vipy's (vipy/data/mit67.py)
            file="indoorCVPR_09.tar",
            url="https://groups.csail.mit.edu/vision/LabelMe/NewImages/indoorCVPR_09.tar",
            checksum="sha1:0b252516e746ba428b96af408d2e8162d9b08ac5",
        ),
        Source(  # a copy at Kaggle, with both lists; MD5: google-deepmind/dm_nevis (handlers/mit_scenes.py)
            file="indoor-scenes-cvpr-2019.zip",
            url="https://www.kaggle.com/datasets/itsahmad/indoor-scenes-cvpr-2019",
            checksum="md5:b5a8ee875edc974ab49f4cad3b8607da",
            instead_of="indoorCVPR_09.tar",
        ),
        _list("test"),
        _list("train"),
    ),
    read=_read,
    note="The lists have 17 to 23 test and 77 to 83 training images of a scene, though the page says 20 and 80.",
)
