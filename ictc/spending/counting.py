"""A model that answers nothing and counts what it is asked: how `--dry-run` learns what a run would send."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ictc.spending.pictures import size_of
from ictc.spending.prices import BY_AREA, Pictures
from ictc.spending.tokens import request_tokens
from ictc.types import Failure, Item, Reply, Request

NOT_ASKED = "not-asked"
_MEASURED = 2000  # pictures whose headers are read; the others count as these on average
_UNKNOWN = (1024, 768)  # of a picture whose header cannot be read


@dataclass(frozen=True, slots=True)
class Asked:
    """Requests, their input tokens in text and in pictures, and the most that the answers may be long in tokens."""

    requests: int = 0
    text: float = 0.0
    pictures: float = 0.0
    longest: float = 0.0

    def times(self, factor: float) -> Asked:
        """The like for another number of images."""
        return Asked(round(self.requests * factor), self.text * factor, self.pictures * factor, self.longest * factor)

    def __add__(self, other: Asked) -> Asked:
        return Asked(
            self.requests + other.requests,
            self.text + other.text,
            self.pictures + other.pictures,
            self.longest + other.longest,
        )


class Counting:
    """Stands in the place of a model, inside `StoredModel`: what is stored is answered from there and not counted.

    Every other request gets a `Failure` with the code `not-asked`, which is retryable and so never stored.
    `fingerprint` is that of the model in whose place it stands; `texts`: its `text_fingerprint`, where it is another.
    """

    def __init__(self, fingerprint: str, pictures: Pictures = BY_AREA, side: int = 1024, texts: str = "") -> None:
        """`side`: pixels of a picture's longer side as it would be sent (`ModelOptions.image_side`)."""
        self._fingerprint = fingerprint
        self.text_fingerprint = texts or fingerprint
        self.pictures = pictures
        self._side = side
        self._measured: list[int] = []
        self._asked = Asked()

    @property
    def fingerprint(self) -> str:
        return self._fingerprint

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply | Failure]]:
        for number, request in enumerate(requests):
            picture = self._picture_tokens(request.image) if request.image else 0.0
            self._asked += Asked(1, request_tokens(request), picture, request.max_tokens)
            yield number, Failure("", request.stage, NOT_ASKED, "Nothing is sent in a dry run.", retryable=True)

    def taken(self) -> Asked:
        """What was asked since this was last called."""
        asked, self._asked = self._asked, Asked()
        return asked

    def _picture_tokens(self, item: Item) -> float:
        if len(self._measured) < _MEASURED:
            width, height = size_of(item) or _UNKNOWN
            scale = min(1.0, self._side / max(width, height))
            self._measured.append(self.pictures.tokens(round(width * scale) or 1, round(height * scale) or 1))
            return self._measured[-1]
        return sum(self._measured) / len(self._measured)
