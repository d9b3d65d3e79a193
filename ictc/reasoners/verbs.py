"""Which words in -s are verbs: `a guitar lies on a table`. After `a` comes one thing, so the word is no plural."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ictc.english import singular
from ictc.reasoners.words import is_closed

SINGULAR_DETERMINERS = frozenset(["a", "an", "this", "that", "each", "every", "another", "one"])
_MOSTLY = 0.5  # of its stands at the end of a phrase; `glasses` of `a woman's glasses` stands there in plurals too


def finite_verbs(rows: Iterable[Sequence[str]]) -> frozenset[str]:
    """Words with a plural's ending that mostly end a phrase of two words or more begun by `a`, `this`, `every`, ..."""
    as_verb: Counter[str] = Counter()
    closing: Counter[str] = Counter()
    for row in rows:
        start = 0
        for i, word in enumerate([*row, "."]):
            if not is_closed(word):
                continue
            if start < i and singular(row[i - 1]) != row[i - 1]:
                closing[row[i - 1]] += 1
                as_verb[row[i - 1]] += i - start > 1 and start > 0 and row[start - 1] in SINGULAR_DETERMINERS
            start = i + 1
    return frozenset(w for w, n in as_verb.items() if n > _MOSTLY * closing[w])
