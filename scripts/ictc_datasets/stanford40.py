"""Stanford-40 actions (Yao et al. 2011). Criteria: the action; location and mood from label files, as IC|TC used it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from ictc.datasets.formats.tables import lines
from ictc.datasets.labelfiles import given_labels
from ictc.datasets.recipe import ALL, Criterion, Dataset, Options, Place, Sample, Source
from ictc.errors import InputError

_URL = "https://vision.stanford.edu/Datasets/"
_NAME = re.compile(r"(?P<action>[^/]+)_(?P<number>\d+)\.jpg", re.IGNORECASE)


def _read(place: Place, options: Options) -> Iterator[Sample]:
    images = {}
    for name in place.within("JPEGImages") or place.names:
        if found := _NAME.fullmatch(posixpath.basename(name)):
            images[posixpath.basename(name)] = (name, found["action"].replace("_", " "), found["number"])
    if not images:
        raise InputError("There is no image such as JPEGImages/applauding_001.jpg.", "Give Stanford40_JPEGImages.zip.")
    ordered = {name: number for number, name in enumerate(sorted(images))}
    spoken = dict(ordered)
    for name, (_, action, digits) in images.items():  # as IC|TC's results and its script call them
        spoken[f"{digits}_{action}.jpg"] = spoken[f"{digits}_{action.replace(' ', '_')}.jpg"] = ordered[name]
    labels = {c.name: given_labels(options, c.name, spoken) for c in DATASET.criteria if c.needs}
    for name in ordered if options.split == ALL else _part(place, options.split, ordered):
        path, action, digits = images[name]
        given = {criterion: label[ordered[name]] for criterion, label in labels.items() if ordered[name] in label}
        yield Sample(
            ordered[name], {"action": action, **given}, place.member(path), ".jpg", original=name, written=digits
        )


def _part(place: Place, split: str, known: dict[str, int]) -> list[str]:
    """The images of one part, as its list has them."""
    listed = place.need(f"ImageSplits/{split}.txt", f"{split}.txt")
    for number, name in lines(place, listed):
        if name not in known:
            raise InputError(
                f"{listed}, line {number}: there is no image {name!r}.", "Give the archives of one version of the set."
            )
    return [name for _, name in lines(place, listed)]


DATASET = Dataset(
    name="stanford-40-actions",
    title="Stanford-40 actions",
    page="http://vision.stanford.edu/Datasets/40actions.html",
    licence="none stated; for research, the images are their owners'",
    citation="B. Yao, X. Jiang, A. Khosla, A. L. Lin, L. Guibas, L. Fei-Fei: Human Action Recognition by Learning "
    "Bases of Action Attributes and Parts. ICCV 2011",
    criteria=(
        Criterion("action", 40),
        Criterion("location", needs="a file of labels: --labels location=FILE"),
        Criterion("mood", needs="a file of labels: --labels mood=FILE"),
    ),
    splits={ALL: 9_532, "train": 4_000, "test": 5_532},
    sources=(
        Source(file="Stanford40_JPEGImages.zip", url=_URL + "Stanford40_JPEGImages.zip"),
        Source(file="Stanford40_ImageSplits.zip", url=_URL + "Stanford40_ImageSplits.zip", splits=("train", "test")),
    ),
    read=_read,
    note="The labels of location and mood are on the Google Drive folder that IC|TC's README names "
    "(github.com/sehyunkwon/ICTC, issue 2); download them by hand and give them with --labels.",
)
