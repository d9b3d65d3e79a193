"""PPMI, people playing musical instruments (Yao, Fei-Fei 2010), as IC|TC used it: 12 classes, 7 of them, 2 categories.

The seven and the two categories are those of IC|TC's README and scripts; so are the numbers, which count all twelve
classes in the order of the file names. Bytes are compared to order names; the authors' shell may have ordered some
otherwise. Only pictures of people who play are used, none of people who only hold the instrument.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from functools import partial

from ictc.datasets.labelfiles import given_labels
from ictc.datasets.recipe import ALL, Criterion, Dataset, Options, Place, Sample, Source
from ictc.errors import InputError

_CATEGORIES = {
    "Saxophone": "wind", "Trumpet": "wind", "Flute": "wind", "Guitar": "string", "Cello": "string", "Violin": "string",
    "Harp": "string",
}  # fmt: skip
_TWELVE = (*_CATEGORIES, "Bassoon", "Clarinet", "Erhu", "FrenchHorn", "Recorder")
_FOLDER = "play_instrument"


def _read(first: str, seven: bool, place: Place, options: Options) -> Iterator[Sample]:
    images = [image for part in DATASET.parts(options.split) for image in _images(place, part)]
    names = {posixpath.basename(path): number for number, (path, _) in enumerate(images, 1)}
    for number, (_, instrument) in enumerate(images, 1):
        names[f"{number}_{instrument}.jpg"] = number
        if instrument in _CATEGORIES:
            names[f"{number}_{_CATEGORIES[instrument]}.jpg"] = number
    locations = given_labels(options, "location", names)
    for number, (path, instrument) in enumerate(images, 1):
        if seven and instrument not in _CATEGORIES:
            continue
        classes = {"instrument": instrument}
        if seven:
            classes["category"] = _CATEGORIES[instrument]
        if number in locations:
            classes["location"] = locations[number]
        ordered = {first: classes[first], **classes}
        yield Sample(number, ordered, place.member(path), ".jpg", original=posixpath.basename(path))


def _images(place: Place, part: str) -> list[tuple[str, str]]:
    """(name in the archive, instrument) of one part, in the order in which IC|TC's script counts them."""
    instruments = {name.lower(): name for name in _TWELVE}
    found = []
    for name in place.within(_FOLDER):
        folder, _, rest = place.below(name, _FOLDER).replace("_", "").replace(" ", "").partition("/")
        if rest.startswith(f"{part}/") and folder.lower() in instruments and name.lower().endswith(".jpg"):
            found.append((name, instruments[folder.lower()]))
    missing = sorted(set(_TWELVE) - {instrument for _, instrument in found})
    if missing:
        raise InputError(
            f"There is no image of {', '.join(missing)} in {_FOLDER}/{missing[0].lower()}/{part}.",
            "Give the whole norm_ppmi_12class.zip: the numbers count all twelve classes.",
        )
    return sorted(found, key=lambda image: posixpath.basename(image[0]))


def _dataset(name: str, title: str, criteria: tuple[Criterion, ...], test: int) -> Dataset:
    location = Criterion("location", needs="a file of labels: --labels location=FILE")
    return Dataset(
        name=name,
        title=f"PPMI: people playing musical instruments, {title}",
        page="http://ai.stanford.edu/~bangpeng/ppmi.html",
        licence="none stated; for research, the images are their owners'",
        citation="B. Yao, L. Fei-Fei: Grouplet: A Structured Image Representation for Recognizing Human and Object "
        "Interactions. CVPR 2010",
        criteria=(*criteria, location),
        splits={"test": test, "train": test, ALL: 2 * test},
        sources=(
            Source(  # the publisher states no checksum; this is google-deepmind/dm_nevis's (handlers/ppmi.py)
                file="norm_ppmi_12class.zip",
                url="https://vision.stanford.edu/Datasets/norm_ppmi_12class.zip",
                checksum="md5:88118d8c6b50d72f0bb37a89269185ab",
            ),
        ),
        read=partial(_read, criteria[0].name, len(criteria) > 1),
        note="No labels of the location are published; IC|TC's two are indoor and outdoor.",
    )


DATASET = _dataset("ppmi", "12 instruments", (Criterion("instrument", 12),), 1_200)
SEVEN = _dataset("ppmi-7", "the 7 instruments of IC|TC", (Criterion("instrument", 7), Criterion("category", 2)), 700)
TWO = _dataset("ppmi-2", "wind and string", (Criterion("category", 2), Criterion("instrument", 7)), 700)
