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
_ACTIONS = (
    "applauding", "blowing_bubbles", "brushing_teeth", "cleaning_the_floor", "climbing", "cooking", "cutting_trees",
    "cutting_vegetables", "drinking", "feeding_a_horse", "fishing", "fixing_a_bike", "fixing_a_car", "gardening",
    "holding_an_umbrella", "jumping", "looking_through_a_microscope", "looking_through_a_telescope", "phoning",
    "playing_guitar", "playing_violin", "pouring_liquid", "pushing_a_cart", "reading", "riding_a_bike",
    "riding_a_horse", "rowing_a_boat", "running", "shooting_an_arrow", "smoking", "taking_photos", "texting_message",
    "throwing_frisby", "using_a_computer", "walking_the_dog", "washing_dishes", "watching_TV", "waving_hands",
    "writing_on_a_board", "writing_on_a_book",
)  # fmt: skip
_NAME = re.compile(r"(?P<action>[^/]+)_(?P<number>\d+)\.jpg", re.IGNORECASE)


def _read(place: Place, options: Options) -> Iterator[Sample]:
    images: dict[str, tuple[str, str, str]] = {}
    actions = _actions(place)
    for name in place.within("JPEGImages") or place.names:
        base = posixpath.basename(name)
        if (found := _NAME.fullmatch(base)) and found["action"] in actions:
            if base in images:
                raise InputError(f"Two files are {base}: {images[base][0]} and {name}.", "Give one of their folders.")
            images[base] = (name, found["action"].replace("_", " "), found["number"])
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


def _actions(place: Place) -> set[str]:
    """As its own list has them (a line of headings, then `applauding<TAB>100/184`), or as it is known to."""
    listed = place.find("ImageSplits/actions.txt")
    return {line.split()[0] for _, line in lines(place, listed)} if listed else set(_ACTIONS)


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
