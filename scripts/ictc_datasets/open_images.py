"""A part of Google's Open Images V7: images of the classes that are asked for. The criterion is the object.

An image is of a class when a person has verified that label for it. One that has several of the classes asked for is
left out: it would have no one right cluster.
"""

from __future__ import annotations

from collections.abc import Iterator

from ictc.datasets.formats.tables import rows
from ictc.datasets.recipe import Criterion, Dataset, Options, Place, Sample, Source
from ictc.errors import InputError, UsageError

_URL = "https://storage.googleapis.com/openimages/"
_IMAGES = "https://open-images-dataset.s3.amazonaws.com/"
_CLASSES = "oidv7-class-descriptions.csv"
_LABELS = {
    "validation": "oidv7-val-annotations-human-imagelabels.csv",
    "test": "oidv7-test-annotations-human-imagelabels.csv",
    "train": "oidv7-train-annotations-human-imagelabels.csv",
}
_BOXES = {
    "validation": "v5/validation-annotations-bbox.csv",
    "test": "v5/test-annotations-bbox.csv",
    "train": "v6/oidv6-train-annotations-bbox.csv",
}


def _read(place: Place, options: Options) -> Iterator[Sample]:
    wanted = _wanted(place, options.classes)
    boxes = _BOXES[options.split].partition("/")[2]
    found: dict[str, set[str]] = {}
    for image, label, confidence in rows(
        place, place.need(_LABELS[options.split], boxes), ("ImageID", "LabelName", "Confidence")
    ):
        if label in wanted and confidence not in ("0", "0.0"):
            found.setdefault(image, set()).add(wanted[label])
    for image in sorted(found):
        if len(found[image]) > 1:
            continue
        if not _is_id(image):
            raise InputError(f"{image[:80]!r} is no identifier of an image: 16 digits and a-f.", "Get the table again.")
        source = Source(file=f"{image}.jpg", url=f"{_IMAGES}{options.split}/{image}.jpg")
        yield Sample(
            int(image, 16), {"object": min(found[image])}, place.remote(source), ".jpg", original=image, written=image
        )


def _is_id(image: str) -> bool:
    return len(image) == 16 and set(image) <= set("0123456789abcdef")


def _wanted(place: Place, classes: tuple[str, ...]) -> dict[str, str]:
    """Our names of the classes asked for by the set's identifiers (`/m/01yrx` -> `Cat`); case does not matter.

    Some names are those of several identifiers; all of them count.
    """
    table = place.need(_CLASSES, "class-descriptions-boxable.csv", "class-descriptions.csv")
    asked = {name.casefold(): name for name in classes}
    found = {
        label: asked[name.casefold()]
        for label, name in rows(place, table, ("LabelName", "DisplayName"), headless=True)
        if name.casefold() in asked
    }
    missing = [name for name in classes if name not in found.values()]
    if missing:
        raise UsageError(
            f"{table} has no class {', '.join(map(repr, missing[:5]))}.",
            "Write classes as its column DisplayName does.",
        )
    return found


def _sources(split: str) -> Iterator[Source]:
    yield Source(file=_LABELS[split], url=f"{_URL}v7/{_LABELS[split]}", splits=(split,))
    boxes = _BOXES[split].partition("/")[2]
    yield Source(file=boxes, url=_URL + _BOXES[split], splits=(split,), instead_of=_LABELS[split])


DATASET = Dataset(
    name="open-images",
    title="Open Images V7, a part by classes",
    page="https://storage.googleapis.com/openimages/web/index.html",
    licence="annotations CC BY 4.0 (Google); the images are listed as CC BY 2.0, to be verified for each",
    citation="A. Kuznetsova et al.: The Open Images Dataset V4. IJCV 128, 2020",
    criteria=(Criterion("object"),),
    splits=dict.fromkeys(_LABELS, 0),
    sources=(
        Source(file=_CLASSES, url=f"{_URL}v7/{_CLASSES}"),
        *(source for split in _LABELS for source in _sources(split)),
    ),
    read=_read,
    loose=True,
    by_classes=True,
    note="--classes FILE is needed, and --per-class advised: images are downloaded one by one. The table of bounding "
    "boxes is taken for the labels where it is given instead.",
)
