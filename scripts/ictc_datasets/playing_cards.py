"""Playing cards (Kaggle: gpiosenka/cards-image-datasetclassification). Criteria: card, rank, suit.

Folders are named `ace of spades`; `joker` has neither rank nor suit. cards.csv lists the images; where it is not given,
the folders say the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from ictc.datasets.formats.tables import rows
from ictc.datasets.recipe import ALL, Criterion, Dataset, Options, Place, Sample, Source
from ictc.errors import InputError

_COLUMNS = ("filepaths", "labels", "data set")
_SUITS = ("clubs", "diamonds", "hearts", "spades")


def rank_and_suit(card: str) -> tuple[str, str]:
    """`ace of spades` -> ace, spades. A joker has none of both."""
    rank, _, suit = card.partition(" of ")
    if card != "joker" and suit not in _SUITS:
        raise InputError(f"{card[:60]!r} is no playing card.", "Folders are called as in: ace of spades; joker")
    return (rank, suit) if suit else ("", "")


def _read(place: Place, options: Options) -> Iterator[Sample]:
    there = {
        f"{split}/{place.below(name, split)}": name
        for split in DATASET.parts(ALL)
        for name in place.within(split)
        if name.lower().endswith((".jpg", ".png"))
    }
    table = place.find("cards.csv")
    cards = _listed(place, table, there) if table else {path: path.split("/")[1] for path in there}
    number = 0
    for split in DATASET.parts(options.split):
        names = [path for path in there if path.startswith(f"{split}/") and path in cards]
        if not names:
            raise InputError(f"There is no image in a folder {split}.", "Give the set as Kaggle packs it.")
        for path in names:
            rank, suit = rank_and_suit(cards[path])
            classes = {"card": cards[path], "rank": rank, "suit": suit}
            yield Sample(number, classes, place.member(there[path]), path[path.rindex(".") :].lower(), original=path)
            number += 1


def _listed(place: Place, table: str, there: dict[str, str]) -> dict[str, str]:
    """The card that each image shows, as the table says. Lines that name no image file are passed over."""
    cards = {}
    for number, (path, card, _) in enumerate(rows(place, table, _COLUMNS), 2):
        if path in there:
            cards[path] = card
        elif path.lower().endswith((".jpg", ".png")):
            raise InputError(f"{table}, line {number}: there is no image {path!r}.", "Give the set as Kaggle packs it.")
    return cards


DATASET = Dataset(
    name="playing-cards",
    title="Playing cards",
    page="https://www.kaggle.com/datasets/gpiosenka/cards-image-datasetclassification",
    licence="as stated on its page at Kaggle",
    citation="G. Piosenka: Cards Image Dataset-Classification. Kaggle",
    criteria=(Criterion("card", 53), Criterion("rank", 13), Criterion("suit", 4)),
    splits={"test": 265, "valid": 265, "train": 7_624, ALL: 8_154},
    sources=(
        Source(
            file="cards-image-datasetclassification.zip",
            url="https://www.kaggle.com/api/v1/datasets/download/gpiosenka/cards-image-datasetclassification",
            by_hand="Kaggle gives it to people who have an account: download it from the page in a browser.",
        ),
        Source(file="archive.zip", url="", instead_of="cards-image-datasetclassification.zip"),  # as browsers save it
    ),
    read=_read,
    note="Jokers (5 of the test images) have no rank and no suit.",
)
