"""Candidate labels: the noun and verb phrases of a description, by closed-class words and corpus counts alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from ictc.reasoners.verbs import finite_verbs
from ictc.reasoners.words import (
    ABOUT_PICTURES,
    COPULAS,
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
Role = Literal["plain", "predicate", "given", "attribute", "verb"]


@dataclass(frozen=True, slots=True)
class Phrase:
    """`place`: the how-manieth phrase of its description it is part of, from 0. `kind`: by position in that phrase."""

    text: str
    place: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class _Run:
    """Words between two cuts, what they are in their sentence, and the token of the cut (or `object`, for a verb)."""

    words: tuple[str, ...]
    role: Role
    after: str


@dataclass(frozen=True, slots=True)
class Grammar:
    """What the descriptions tell about their own words.

    nouns: words in -ing or -ed that mostly stand as nouns (`a building .`).
    modifiers: words that mostly stand before another word of their phrase (`white`, `fire`).
    verbs: words in -s that say what a thing does (`a guitar lies on a table`).
    adjectives: modifiers of many different words (`white`, but not `fire` of `fire truck`).
    """

    nouns: frozenset[str]
    modifiers: frozenset[str]
    adjectives: frozenset[str]
    verbs: frozenset[str]


def learn_grammar(texts: Iterable[str]) -> Grammar:
    """Count where each word stands. A word needs to be seen a few times before anything is concluded from it."""
    closing: Counter[str] = Counter()  # as the last word of a phrase
    leading: Counter[str] = Counter()  # before another word of its phrase
    pairs: Counter[tuple[str, str]] = Counter()
    article: Counter[str] = Counter()  # a participle between a determiner and the end of a phrase
    total: Counter[str] = Counter()
    rows = [tokens(text)[:_MAX_TOKENS] for text in texts]
    verbs = finite_verbs(rows)
    for row in rows:
        for before, word, after in zip([".", *row], row, [*row[1:], "."], strict=False):
            if is_closed(word) or word in verbs:
                continue
            total[word] += 1
            if is_participle(word) and before in DETERMINERS and is_closed(after):
                article[word] += 1
            if after in ("and", "or", ","):
                continue  # `a black and white cat`: tells neither way
            if is_closed(after) or is_participle(after) or after in verbs:
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
        verbs=verbs,
    )


def phrases(text: str, grammar: Grammar, dropped: frozenset[str]) -> list[Phrase]:
    """All candidates of one description, in order. `dropped` are words that no candidate may hold."""
    found: list[Phrase] = []
    place = 0
    runs = list(_runs(text, grammar))
    for index, run in enumerate(runs):
        following = runs[index + 1] if index + 1 < len(runs) else None
        if run.role == "verb":
            found.append(Phrase(run.words[0], place, "verb"))
            if run.after == "object" and following:  # `playing a | brown guitar`
                found.append(Phrase(f"{run.words[0]} {following.words[-1]}", place, "verb"))
            continue
        words = run.words
        while words and (words[-1] in dropped or words[-1] in ABOUT_PICTURES or words[-1] in GROUPS):
            words = words[:-1]
        # `a plate of | pizza` is about pizza first; `the dish shown is | pizza` repeats a subject that is known
        back = (run.after == "of" and following is not None) + 2 * (run.role == "given")
        spans = list(_spans(words[-_MAX_RUN:], place + back, run.role, grammar, dropped))
        found += spans
        place += bool(spans) and not back
    return found


def _runs(text: str, grammar: Grammar) -> Iterator[_Run]:
    """The description cut at function words and participles."""
    row = tokens(text)[:_MAX_TOKENS]
    start = 0
    for i, word in enumerate([*row, "."]):
        before = row[i - 1] if i else "."
        after = row[i + 1] if i + 1 < len(row) else "."
        cut = is_closed(word) or word in grammar.verbs
        participle = is_participle(word) and word not in grammar.nouns and not cut
        attribute = not is_closed(after) and (before in DETERMINERS or (i > start and word.endswith("ed")))
        if not cut and (not participle or attribute):
            continue
        if start < i:
            yield _Run(tuple(row[start:i]), _role(row, start, i), word)
        if participle and word.endswith("ing"):
            yield _Run((word,), "verb", "object" if _object_follows(row[i + 1 : i + 4], grammar) else "")
        elif participle and before in COPULAS:  # `the mood is relaxed`
            yield _Run((word,), "predicate", after)
        start = i + 1


def _role(row: list[str], start: int, end: int) -> Role:
    before = row[start - 1] if start else "."
    if before in COPULAS:
        return "predicate"
    rest = row[end : end + 8]
    if before == "the" and (start == 1 or not is_word(row[start - 2])):
        verb = next((i for i, t in enumerate(rest) if t in COPULAS or not is_word(t) or is_participle(t)), None)
        if verb is not None and rest[verb] in COPULAS and verb + 1 < len(rest):
            return "plain" if rest[verb + 1].endswith("ing") else "given"
    if end == start + 1 and rest[:1] in (["and"], ["or"]) and before in DETERMINERS:
        words = [is_closed(t) for t in rest[1:3]]
        return "attribute" if words == [False, False] else "plain"  # `a black and white | cat`
    return "plain"


def _object_follows(rest: list[str], grammar: Grammar) -> bool:
    for token in rest:
        if token not in DETERMINERS:
            return not is_closed(token) and (not is_participle(token) or token in grammar.nouns)
    return False


def _spans(run: tuple[str, ...], place: int, role: Role, grammar: Grammar, dropped: frozenset[str]) -> Iterator[Phrase]:
    for length in range(1, min(MAX_WORDS, len(run)) + 1):
        for start in range(len(run) - length + 1):
            span = run[start : start + length]
            if any(w in dropped or w in ABOUT_PICTURES for w in span) or (span[-1] in NUMERALS and len(run) > length):
                continue
            closes = start + length == len(run) and role != "attribute"
            noun = closes and (role == "predicate" or span[-1] not in grammar.modifiers)
            yield Phrase(" ".join(span), place, "noun" if noun else "modifier")
