"""How many images are described, and what for."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ictc.errors import UsageError
from ictc.text import shortened

AUTO = "auto"
_FORM = re.compile(r"(?P<share>\d{1,3}(?:\.\d{1,12})?)\s*%|(?P<images>\d{1,12})")

AUDIT = 0.2
"""Of the sample: as of a cascade's requests. What nobody checks, nobody should believe."""
UNCERTAIN = 0.2
"""Of the sample. Not more: as long as a cluster has few images, typical ones teach more than doubtful ones (Hacohen et
al., "Active learning on a budget", ICML 2022), and names come from them."""

FIRST, EACH = 100, 10
"""Images that `auto` begins with: twenty of them audited; and so many for each cluster, where K is given."""
GROWTH = 2
"""Twice as many each time: all rounds together describe no more than the last, since answers are kept."""


@dataclass(frozen=True, slots=True)
class Size:
    """A share of the images, a number of them, or (neither) as many as it takes."""

    share: float | None = None
    images: int | None = None

    @property
    def auto(self) -> bool:
        return self.share is None and self.images is None

    def __str__(self) -> str:
        if self.auto:
            return AUTO
        return f"{self.images}" if self.share is None else f"{100 * self.share:.12g}%"

    def of(self, n: int, k: int | None = None) -> int:
        """Images to describe of `n`; of `auto`, in the first round."""
        if self.auto:
            return min(n, max(FIRST, EACH * (k or 0)))
        return min(n, self.images or 0 if self.share is None else math.floor(self.share * n + 1e-9))


@dataclass(frozen=True, slots=True)
class Parts:
    """Of the images that a round describes anew."""

    cover: int
    uncertain: int
    audit: int


def parts(size: int, known: int = 0) -> Parts:
    """`size`: images described in all after the round; `known`: those before it."""
    fresh = max(0, size - known)
    audit = min(round(AUDIT * size), fresh)
    uncertain = min(round(UNCERTAIN * fresh), fresh - audit)
    return Parts(fresh - audit - uncertain, uncertain, audit)


def parse_size(text: str) -> Size:
    """`5%`, `500` or `auto`.

    Raises:
        UsageError: it is none of these, nothing, or more than everything.
    """
    said = text.strip()
    if said.lower() == AUTO:
        return Size()
    found = _FORM.fullmatch(said)
    number = float((found["share"] or found["images"]) if found else 0)
    if found is None or not number or (found["share"] and number > 100):
        raise UsageError(
            f"--sample is {shortened(text, 40)!r}.",
            "Give a share of the images up to 100%, a number of them, or auto: --sample 5%",
        )
    return Size(share=number / 100) if found["share"] else Size(images=int(number))
