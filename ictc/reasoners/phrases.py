"""Candidate labels: the noun and verb phrases of a description, by closed-class words and corpus counts alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from ictc.reasoners.words import (
    ABOUT_PICTURES,
    DETERMINERS,
    GROUPS,
    NUMERALS,
    is_closed,
    is_participle,
    is_word,
    tokens,
)

MAX_WORDS = 3  # of a candidate; longer names do not fit a table and are rarely shared by two images
_MAX_RUN = 6  # words of one run that are looked at, its last ones: keeps text without function words in bounds
_MAX_TOKENS = 400  # of a description: what a label answers stands early

Kind = Literal["noun", "modifier", "verb"]


@dataclass(frozen=True, slots=True)
class Phrase:
    """`place`: the how-manieth phrase of its description it is part of, from 0. `kind`: by position in that phrase."""

    text: str
    place: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class Grammar:
    """What the descriptions tell about their own words.

    nouns: words in -ing or -ed that mostly stand as nouns (`a building .`).
    modifiers: words that mostly stand before another word of their phrase (`white`, `fire`).
    adjectives: modifiers of many different words (`white`, but not `fire` of `fire truck`).
    """

    nouns: frozenset[str]
    modifiers: frozenset[str]
    adjectives: frozenset[str]


def learn_grammar(texts: Iterable[str]) -> Grammar:
    """Count where each word stands. A word needs to be seen a few times before anything is concluded from it."""
    closing: Counter[str] = Counter()  # as the last word of a phrase
    leading: Counter[str] = Counter()  # before another word of its phrase
    pairs: Counter[tuple[str, str]] = Counter()
    article: Counter[str] = Counter()  # a participle between a determiner and the end of a phrase
    total: Counter[str] = Counter()
    for text in texts:
        row = tokens(text)[:_MAX_TOKENS]
        for before, word, after in zip([".", *row], row, [*row[1:], "."], strict=False):
            if is_closed(word):
                continue
            total[word] += 1
            if is_participle(word) and before in DETERMINERS and is_closed(after):
                article[word] += 1
            if after in ("and", "or", ","):
                continue  # `a black and white cat`: tells neither way
            if is_closed(after) or is_participle(after):
                closing[word] += 1
            else:
                leading[word] += 1
                pairs[word, after] += 1
    favourite: Counter[str] = Counter()
    for (word, _), n in pairs.items():
        favourite[word] = max(favourite[word], n)
    modifiers = frozenset(w for w, n in leading.items() if closing[w] < 0.3 * (n + closing[w]))
    return Grammar(
        nouns=frozenset(w for w, n in article.items() if n > 0.3 * total[w]),
        modifiers=modifiers,
        adjectives=frozenset(w for w in modifiers if leading[w] > 1 and favourite[w] < 0.5 * leading[w]),
    )


def phrases(text: str, grammar: Grammar, dropped: frozenset[str]) -> list[Phrase]:
    """All candidates of one description, in order. `dropped` are words that no candidate may hold."""
    found: list[Phrase] = []
    place = 0
    runs = list(_runs(text, grammar))
    for index, (kind, run) in enumerate(runs):
        if kind == "verb":
            spans = [Phrase(run[0], place, "verb")]
            if len(run) > 1 and index + 1 < len(runs):  # `playing a | brown guitar`
                spans.append(Phrase(f"{run[0]} {runs[index + 1][1][-1]}", place, "verb"))
            found += spans
            continue
        while run and (run[-1] in dropped or run[-1] in ABOUT_PICTURES or run[-1] in GROUPS):
            run = run[:-1]
        spans = list(_spans(run[-_MAX_RUN:], place, grammar, dropped))
        found += spans
        place += bool(spans)
    return found


def _runs(text: str, grammar: Grammar) -> Iterator[tuple[Literal["noun", "verb"], list[str]]]:
    """The description cut at function words and participles. A verb run has a second word if an object follows."""
    row = tokens(text)[:_MAX_TOKENS]
    run: list[str] = []
    before = "."
    for i, word in enumerate(row):
        after = row[i + 1] if i + 1 < len(row) else "."
        participle = is_participle(word) and word not in grammar.nouns
        attribute = not is_closed(after) and (before in DETERMINERS or (bool(run) and word.endswith("ed")))
        if is_closed(word) or (participle and not attribute):
            if run:
                yield "noun", run
            run = []
            if participle and word.endswith("ing"):
                yield "verb", [word, "+"] if _object_follows(row[i + 1 : i + 4], grammar) else [word]
            elif participle:
                yield "noun", [word]
        else:
            run = [*run, word]
        before = word
    if run:
        yield "noun", run


def _object_follows(rest: list[str], grammar: Grammar) -> bool:
    for token in rest:
        if token not in DETERMINERS:
            return not is_closed(token) and (not is_participle(token) or token in grammar.nouns)
    return False


def _spans(run: list[str], place: int, grammar: Grammar, dropped: frozenset[str]) -> Iterator[Phrase]:
    for length in range(1, min(MAX_WORDS, len(run)) + 1):
        for start in range(len(run) - length + 1):
            span = run[start : start + length]
            if any(w in dropped or w in ABOUT_PICTURES for w in span) or (span[-1] in NUMERALS and len(run) > length):
                continue
            last = span[-1]
            head = start + length == len(run) and last not in grammar.modifiers
            if head and is_word(last) and not (is_participle(last) and last not in grammar.nouns):
                yield Phrase(" ".join(span), place, "noun")
            else:
                yield Phrase(" ".join(span), place, "modifier")
