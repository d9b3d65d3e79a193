"""What the words of cluster names give away: two that are one, one within another, one that says nothing. English."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ictc.english import singular

_SAYS_NOTHING = frozenset(
    """
    other others miscellaneous misc various unknown none nothing anything something everything object image picture
    photo photograph thing item stuff category class cluster group general generic unclear undefined unspecified
    unidentified unclassified uncategorized assorted rest remaining kind type sort different subject na label
    """.split()  # noqa: SIM905 (a list of words reads better so)
)
_ARTICLES = frozenset(["a", "an", "the", "of"])
_TURNS = frozenset("and or in on at by for from to with without not no non".split())  # noqa: SIM905
_THE_REST = frozenset(["other", "misc", "miscellaneous", "various", "unknown", "unidentified", "assorted"])
_YES_OR_NO = frozenset("is are was were does do did has have had can could whether if".split())  # noqa: SIM905
_LISTS = re.compile(r"\b(or|vs|versus)\b|[/,]")


@dataclass(frozen=True, slots=True)
class Wording:
    """A name's words in the singular, and those of them that tell something under a criterion."""

    words: tuple[str, ...]
    telling: frozenset[str]


def worded(names: Iterable[str], criterion: str) -> dict[str, Wording]:
    """Each name's wording, made once: names are compared each with each."""
    nothing = _SAYS_NOTHING | _ARTICLES | _asked(criterion)
    words = {name: _words(name) for name in names}
    return {name: Wording(w, frozenset(w) - nothing) for name, w in words.items()}


def same_words(a: Wording, b: Wording) -> bool:
    """`Dogs` and `dog`; `red` and `red colour` where the criterion asks for the colour."""
    return bool(a.telling) and a.telling == b.telling


def is_within(a: Wording, b: Wording) -> bool:
    """Whether all that is `a` is `b` by its words: `fire truck` is `truck`, `reading a book` is `reading`.

    A noun's kind stands at its end, a verb's at its beginning. Names with `and`, `with`, `no` and the like say
    something else than their last word does.
    """
    fine, broad = a.words, b.words
    if not broad or len(fine) <= len(broad):
        return False
    if broad[0].endswith("ing"):
        return fine[: len(broad)] == broad
    return fine[-len(broad) :] == broad and not _TURNS & set(fine)


def says_nothing(name: Wording) -> bool:
    """Whether a name answers no criterion (`other`, `various objects`), or only repeats its own (`mood`)."""
    return bool(name.words) and (name.words[0] in _THE_REST or not name.telling)


def _asked(criterion: str) -> frozenset[str]:
    """The words of a criterion, which are no answer; where it names its answers, or wants a yes or no, they are one."""
    words = _words(criterion)
    if _LISTS.search(criterion.casefold()) or (words and words[0] in _YES_OR_NO):
        return frozenset()
    return frozenset(words)


def _words(text: str) -> tuple[str, ...]:
    return tuple(singular(w) for w in re.findall(r"[^\W_]+", text.casefold().replace("colour", "color")))
