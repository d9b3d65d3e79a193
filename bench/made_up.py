"""Fifteen small sets of made-up descriptions under fifteen criteria: what the recorded captions have none of.

Drawn from the templates of the sets that the method was chosen with, so no more than the others a test of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_WHO = ("a man", "a woman", "two people", "a young girl", "a boy", "an old man")
_WHERE = ("in a park", "in a kitchen", "on a street", "near a window", "on a beach", "in a living room")
_FILLS = {
    "who": _WHO,
    "where": _WHERE,
    "on": ("table", "plate", "white bowl", "wooden board", "napkin"),
    "with": ("bag", "chair", "dog", "bicycle"),
    "wear": ("hat", "coat", "red shirt"),
    "colour": ("orange", "brown", "grey", "black", "red"),
    "rank": ("ace", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "jack", "queen", "king"),
    "suit": ("hearts", "spades", "clubs", "diamonds"),
}


@dataclass(frozen=True)
class MadeUp:
    """`n` descriptions: a template, `{x}` in it one of a class's wordings, the other fields drawn without meaning."""

    criterion: str
    n: int
    templates: Sequence[str]
    classes: Mapping[str, Sequence[str]]

    @property
    def k(self) -> int:
        return len(self.classes)

    def pairs(self) -> Iterator[tuple[str, str]]:
        """(description, class), the same ones every time."""
        draw = random.Random(0)
        for _ in range(self.n):
            kind = draw.choice(list(self.classes))
            fills = {name: draw.choice(words) for name, words in _FILLS.items()}
            yield draw.choice(self.templates).format(x=draw.choice(self.classes[kind]), **fills), kind


def _classes(*wordings: str) -> dict[str, list[str]]:
    """Each class by its first wording."""
    return {line.partition(";")[0]: line.split(";") for line in wordings}


SETS = (
    MadeUp(
        "food", 400,
        ("The image features a plate of {x} on a {on}.", "A close-up of {x} served with a side of sauce, {where}.",
         "The dish shown is {x}, garnished with herbs.", "{x} on a {on}, next to a glass of water."),
        _classes("pizza;pepperoni pizza;margherita pizza", "sushi;salmon sushi rolls;nigiri",
                 "a hamburger;a cheeseburger;a burger with fries", "salad;a green salad;caesar salad",
                 "chocolate cake;a slice of cake;birthday cake", "tomato soup;a bowl of soup;noodle soup",
                 "steak;grilled steak;a ribeye steak", "ice cream;vanilla ice cream;a scoop of ice cream"),
    ),
    MadeUp(
        "what the person is doing", 400,
        ("The image features {who} {x} {where}.", "{who} is {x} {where}, wearing casual clothes.",
         "In this picture, {who} can be seen {x}. The background is blurry."),
        _classes("running;jogging;sprinting", "cooking;cooking a meal;preparing food",
                 "reading a book;reading;reading a newspaper", "riding a bicycle;riding a bike;cycling",
                 "playing a guitar;playing the guitar", "talking on the phone;making a phone call",
                 "climbing a rock wall;climbing;rock climbing"),
    ),
    MadeUp(
        "mood", 400,
        ("The mood of the image is {x}.", "The scene conveys a {x} atmosphere, with {who} {where}.",
         "The image has a {x} mood. It shows {who} {where}.", "{who} {where}; the overall feeling is {x}."),
        _classes("joyful;happy;cheerful", "sad;melancholic;sorrowful", "peaceful;calm;serene", "tense;anxious;nervous",
                 "romantic;loving"),
    ),
    MadeUp(
        "location", 400,
        ("The person is located {x}, standing next to a {with}.", "{who} {x}, looking at the camera.",
         "The image features {who} sitting {x} with a {with}."),
        _classes("on a beach;on the seashore;at the beach", "in a kitchen;in a modern kitchen",
                 "in an office;at an office desk;in a meeting room", "in a forest;in the woods",
                 "on a city street;on a busy street;on the sidewalk", "in a restaurant;in a cafe;at a diner"),
    ),
    MadeUp(
        "suit of the card", 300,
        ("The card is the {rank} of {x}.", "A playing card, the {rank} of {x}, on a table.",
         "The image shows the {rank} of {x}."),
        _classes("hearts", "spades", "clubs", "diamonds"),
    ),
    MadeUp(
        "rank of the card", 300,
        ("The card is the {x} of {suit}.", "A playing card, the {x} of {suit}, on a table.",
         "The image shows the {x} of {suit}."),
        _classes("ace", "king", "queen", "seven", "two", "jack"),
    ),
    MadeUp(
        "what kind of thing is shown", 200,
        ("A photo of a {x}, possibly a thing; {colour} and white.", "A photo of a {x}; {colour}."),
        _classes("tabby cat;tiger cat;persian cat;siamese cat", "golden retriever;beagle;pug;german shepherd",
                 "sports car;convertible;minivan", "container ship;speedboat;schooner",
                 "robin;goldfinch;bald eagle;magpie"),
    ),
    MadeUp(
        "what kind of thing is shown", 24, ("The image features {x} {where}.", "{x} {where}."),
        _classes("a brown horse;a horse and a rider", "a black and white cat;a grey cat", "a red motorcycle",
                 "a cup of coffee"),
    ),
    MadeUp(
        "dominant colour", 200,
        ("The dominant colour is {x}.", "The dominant colour is {x}; also grey.", "Mostly {x}, with a little white."),
        _classes("red;dark red;bright red;maroon", "blue;dark blue;light blue;navy", "green;dark green;lime",
                 "yellow;golden;light yellow", "black", "brown;dark brown;tan"),
    ),
    MadeUp(
        "weather", 300,
        ("It is a {x} day {where}.", "The weather is {x}, and {who} stands {where}.",
         "{who} {where} on a {x} afternoon."),
        _classes("sunny;bright and sunny;clear", "rainy;wet;stormy", "snowy;snow-covered", "foggy;misty"),
    ),
    MadeUp(
        "breed of dog", 300,
        ("The image features a {x} sitting {where}.", "A {x} {where}, with its tongue out.",
         "The dog in the image is a {x}. It looks happy {where}."),
        _classes("labrador;labrador retriever;yellow lab", "poodle;white poodle;toy poodle",
                 "bulldog;french bulldog;english bulldog", "husky;siberian husky", "dachshund;sausage dog"),
    ),
    MadeUp(
        "indoor or outdoor", 200, ("The image features {who} {x}.", "{who} sitting {x}, smiling."),
        _classes("in a living room;in a kitchen;in an office;in a bedroom",
                 "on a beach;in a park;on a street;in a forest"),
    ),
    MadeUp(
        "Obst", 60, ("Das Bild zeigt {x} auf einem Tisch.", "Auf dem Foto ist {x} zu sehen."),
        _classes("einen Apfel;einen roten Apfel", "eine Banane;eine gelbe Banane", "eine Kirsche;Kirschen"),
    ),
    MadeUp(
        "number of people", 200, ("The image features {x} {where}.", "There are {x} standing {where}."),
        _classes("one person;a man", "two people;two women", "three people;three men"),
    ),
    MadeUp(
        "age of the person", 240,
        ("The image features {x} {where}.", "{x} standing {where}, wearing a {wear}."),
        _classes("a young child;a toddler;a little boy", "a middle-aged man;an adult woman;a man in his thirties",
                 "an elderly woman;an old man;a senior man"),
    ),
)  # fmt: skip
