"""The words that describe each cluster: those that its images' descriptions have and those of the others have not.

Log-odds of a word in the cluster against all others, with a Dirichlet prior that knows how common the word is, over
its standard deviation (Monroe, Colaresi and Quinn, "Fightin' Words", Political Analysis 2008). Each image counts once.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ictc.english import singular
from ictc.reasoners.words import ABOUT_PICTURES, BREAKS, DETERMINERS, NUMERALS

PRIOR = 10.0
"""Images that the prior is worth."""
SURE = 1.96
"""Standard deviations that a word's log-odds are from none, at least."""
MOST = 8

_WORD = re.compile(r"[^\W\d_]{3,}(?:-[^\W\d_]+)*")
_EMPTY = BREAKS | ABOUT_PICTURES | DETERMINERS | NUMERALS


@dataclass(frozen=True, slots=True)
class Word:
    """`inside`, `elsewhere`: the share of images, of the cluster and of all others, that have the word."""

    word: str
    inside: float
    elsewhere: float
    z: float


def words_in(text: str) -> set[str]:
    """The words of a description that say something, in the singular."""
    found = (word.group().lower() for word in _WORD.finditer(text))
    return {singular(word) for word in found if word not in _EMPTY and singular(word) not in _EMPTY}


def phrases_in(text: str) -> set[str]:
    """The parts of a list that commas divide."""
    return {part for p in text.split(",") if (part := p.strip())}


def describing(words: Mapping[str, Collection[str]], clusters: Mapping[str, Sequence[str]]) -> dict[str, list[Word]]:
    """For each of `clusters` (their images) its words, the most telling first. `words`: those of each image."""
    counts = {name: Counter(w for image in images for w in words.get(image, ())) for name, images in clusters.items()}
    sizes = {name: sum(image in words for image in images) for name, images in clusters.items()}
    total, images = sum(counts.values(), Counter[str]()), sum(sizes.values())
    found = {}
    for name, inside in counts.items():
        n, others = sizes[name], images - sizes[name]
        told = [_word(w, count, n, total[w] - count, others) for w, count in inside.items()] if others else []
        sure = [word for word in told if word.z >= SURE]
        found[name] = sorted(sure, key=lambda word: (-word.z, word.word))[:MOST]
    return found


def _word(word: str, inside: int, n: int, outside: int, others: int) -> Word:
    prior = PRIOR * (inside + outside) / (n + others)
    odds = math.log((inside + prior) / (n + PRIOR - inside - prior + 1e-9))
    odds -= math.log((outside + prior) / (others + PRIOR - outside - prior + 1e-9))
    z = odds / math.sqrt(1 / (inside + prior) + 1 / (outside + prior))
    return Word(word, round(inside / n, 4), round(outside / others, 4), round(z, 2))
