"""The words that describe each cluster: those that its images' descriptions have more often than chance gives them.

Each word in each cluster is a question of its own, thousands of them, and by chance alone one in forty would seem to
describe its cluster at two standard deviations. So a word is told where Fisher's exact test (one-sided, of the images
that have it: hypergeometric) finds it too often in the cluster among all those questions: of the words told, one in
twenty is there by chance at most, and none at all in 95 of 100 partitions that have nothing to do with the words
(false discovery rate; Benjamini and Hochberg, J. R. Stat. Soc. B 57, 1995). They come in the order of their log-odds
in the cluster against all others, with a Dirichlet prior that knows how common the word is, over its standard deviation
(after Monroe, Colaresi and Quinn, "Fightin' Words", Political Analysis 2008). Each image counts once.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ictc.english import singular
from ictc.reasoners.spherical import Array
from ictc.reasoners.words import ABOUT_PICTURES, BREAKS, DETERMINERS, NUMERALS

PRIOR = 10.0
"""Images that the prior is worth."""
CHANCE = 0.05
"""The share of words told that are there by chance, at most (expected)."""
LEAST = 2
"""Images of a cluster that have the word, at least: one tells of itself."""
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
    asked = [(name, word, n) for name, inside in counts.items() for word, n in inside.items() if n >= LEAST]
    of = np.array([(n, sizes[name], total[word], images) for name, word, n in asked], dtype=np.float64).reshape(-1, 4)
    questions = sum(n >= LEAST for n in total.values()) * sum(n > 0 for n in sizes.values())
    found: dict[str, list[Word]] = {name: [] for name in clusters}
    for i in discoveries(by_chance(*of.T), questions):
        name, word, n = asked[i]
        found[name].append(_word(word, n, sizes[name], total[word] - n, images - sizes[name]))
    return {name: sorted(told, key=lambda word: (-word.z, word.word))[:MOST] for name, told in found.items()}


def by_chance(inside: Array, n: Array, have: Array, images: Array) -> Array:
    """How probable it is that of `n` images drawn from all `images`, `have` of which have a word, at least `inside`
    have it; 1 where no more have it than one would expect."""
    from scipy.special import gammaln

    def ways(of: Array, some: Array) -> Array:
        chosen: Array = gammaln(of + 1) - gammaln(some + 1) - gammaln(of - some + 1)
        return chosen

    more = inside * images > n * have
    x, n, have, images = (a[more] for a in (inside, n, have, images))
    first = ways(have, x) + ways(images - have, n - x) - ways(images, n)
    part, tail = np.ones_like(x), np.ones_like(x)  # of the probability of exactly `inside`: it falls from there on
    while len(x) and (part > 1e-9 * tail).any():
        part = part * (have - x) * (n - x) / ((x + 1) * (images - have - n + x + 1))
        x, tail = x + 1, tail + part
    found = np.ones_like(inside)
    found[more] = np.minimum(np.exp(first) * tail, 1)
    return found


def discoveries(chances: Array, questions: int) -> list[int]:
    """Which of `chances` are told, in order, where so many `questions` were asked (the others' chance is 1)."""
    order = np.argsort(chances, kind="stable")
    held = np.flatnonzero(chances[order] <= CHANCE * np.arange(1, len(order) + 1) / max(questions, 1))
    return sorted(order[: held[-1] + 1].tolist()) if len(held) else []


def _word(word: str, inside: int, n: int, outside: int, others: int) -> Word:
    prior = PRIOR * (inside + outside) / (n + others)
    cells = (inside + prior, n + PRIOR - inside - prior, outside + prior, others + PRIOR - outside - prior)
    a, b, c, d = (max(cell, 1e-9) for cell in cells)
    z = math.log(a * d / (b * c)) / math.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    return Word(word, round(inside / n, 4), round(outside / others, 4), round(z, 2))
