"""Step 2a without a language model: of all phrases of a description, the one that answers the criterion.

A phrase is worth (a) how much closer it is to the criterion than to other things one could ask about a picture, (b) how
early it stands, since a description answers first and embroiders later, less (c) its length and what is not its kind
of word. The constants were set on three sets of captions and fifteen small made-up ones together. Halving or doubling
RELEVANT or EARLY leaves CIFAR-10 at .918 and PPMI-7 at .954 to .956 (.936 for twice RELEVANT) and costs the made-up
ones up to .04; without (b) CIFAR-10 falls to .796, because a criterion like `object` is no help in choosing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ictc.english import singular
from ictc.interfaces import Vectors
from ictc.reasoners.phrases import MAX_WORDS, Grammar, Phrase, learn_grammar, phrases
from ictc.reasoners.words import POSTURES, asks_for_action, core, is_number, is_word, tokens

Embed = Callable[[Sequence[str]], Vectors]

ASPECTS = (
    "object animal person place colour action mood food time weather material shape size number clothing style event "
    "plant vehicle direction "
)
"""Other things one could ask about a picture: a phrase near to all of them (`image`) is not near to the criterion."""

RELEVANT = 2.0  # times the difference of cosines
EARLY = 0.2  # for the first phrase, half of it for the second, a third for the third
PER_WORD = 0.03
PER_ADJECTIVE = 0.12
WRONG_KIND = 0.5
POSTURE = 0.25
NUMBER = 0.25  # more than EARLY: a number is the answer where the criterion asks for it, or where nothing else is there
ATTRIBUTE_GAIN = 0.03  # modifiers answer better than nouns by so much on average: the criterion asks for an attribute
UNRELATED, RELATED = 0.3, 0.45  # cosine of the nearest phrase to a criterion of nonsense, and to most real ones
COMMON = 0.9  # a phrase in more than this share of all descriptions says nothing about any one
MAX_CANDIDATES = 4000  # distinct phrases that are embedded, the most frequent ones
MAX_CHARS = 60
FALLBACK = -0.24  # relevance of `no fruit recognised`: next to no weight (`merge.weigh`), so hardly ever a name


@dataclass(frozen=True, slots=True)
class Answers:
    """`labels` [n] is "" for a text without words; `relevance` is how well each label answers, up to 1."""

    labels: Sequence[str]
    relevance: Mapping[str, float]


def answer(texts: Sequence[str], criterion: str, embed: Embed) -> Answers:
    """One label per text. Equal texts get equal labels; the order of texts does not matter."""
    distinct = sorted(set(texts))
    grammar = learn_grammar(distinct)
    asked = frozenset(v for w in tokens(criterion) for v in (w, singular(w), singular(w) + "s"))
    found = {t: phrases(t, grammar, asked) for t in distinct}
    frequency = Counter(p for row in found.values() for p in {p.text for p in row})
    limit = max(COMMON * len(distinct), 3)
    usable = [p for p, n in sorted(frequency.items(), key=lambda x: (-x[1], x[0])) if n <= limit][:MAX_CANDIDATES]
    worth = _relevance(usable, criterion, embed)
    scored = {t: [p for p in row if p.text in worth] for t, row in found.items()}
    penalty = _penalties(scored, worth, criterion)
    chosen = {t: _best(row, worth, penalty, grammar) or _fallback(t, found[t]) for t, row in scored.items()}
    return Answers([chosen[t] for t in texts], _scaled(chosen, worth))


def _relevance(usable: Sequence[str], criterion: str, embed: Embed) -> dict[str, float]:
    """Similarity to the criterion less similarity to the other aspects; 0 for all when it asks for nothing special."""
    asked = core(criterion)
    if not asked or not usable or asks_for_action(criterion):
        return dict.fromkeys(usable, 0.0)
    vectors, aspects = embed(usable), embed(ASPECTS.split())
    question = embed([asked])[0]
    # an aspect that is the criterion by another word (`location`, `place`) is no contrast to it
    other = np.clip(1.4 - 2 * (aspects @ question), 0, 1)
    near = vectors @ question
    trust = float(np.clip((float(near.max()) - UNRELATED) / (RELATED - UNRELATED), 0, 1))
    score = trust * (near - (vectors @ aspects.T) @ other / max(float(other.sum()), 1e-6))
    return dict(zip(usable, score.tolist(), strict=True))


def _penalties(rows: Mapping[str, Sequence[Phrase]], worth: Mapping[str, float], criterion: str) -> dict[str, float]:
    """By kind of phrase: does this criterion ask for a noun, an attribute or an action?"""
    if asks_for_action(criterion):
        return {"noun": WRONG_KIND, "modifier": 2 * WRONG_KIND, "verb": 0.0}
    gains = []
    for row in rows.values():
        best: dict[str, float] = {}
        for p in row:
            best[p.kind] = max(best.get(p.kind, -1.0), worth[p.text])
        if "noun" in best and "modifier" in best:
            gains.append(best["modifier"] - best["noun"])
    attribute = bool(gains) and float(np.mean(gains)) > ATTRIBUTE_GAIN
    return {"noun": 0.0, "modifier": 0.0 if attribute else WRONG_KIND, "verb": WRONG_KIND}


def _best(row: Sequence[Phrase], worth: Mapping[str, float], penalty: Mapping[str, float], grammar: Grammar) -> str:
    def value(p: Phrase) -> float:
        words = p.text.split()
        if p.kind == "verb":
            extra = POSTURE * (words[0] in POSTURES) - PER_WORD * (len(words) - 1)
        else:
            extra = sum(PER_WORD + PER_ADJECTIVE * (w in grammar.adjectives) for w in words[:-1])
            extra += NUMBER * is_number(words)
        return RELEVANT * worth[p.text] + EARLY / (1 + p.place) - penalty[p.kind] - extra

    return max(row, key=lambda p: (value(p), p.text)).text[:MAX_CHARS] if row else ""


def _fallback(text: str, row: Sequence[Phrase]) -> str:
    """For a text whose phrases are all too rare or too common: its first noun, else how it begins."""
    nouns = [p.text for p in row if p.kind == "noun"] or [p.text for p in row]
    words = [t for t in tokens(text) if is_word(t)] or text.split()
    return (nouns[0] if nouns else " ".join(words[:MAX_WORDS]))[:MAX_CHARS]


def _scaled(chosen: Mapping[str, str], worth: Mapping[str, float]) -> dict[str, float]:
    """Relevance in [0, 1]: 0 for a phrase no nearer to the criterion than most, 1 for the best tenth of the labels.

    Where the criterion asks for nothing special, 1 for every phrase. `FALLBACK` for a label that is no phrase.
    """
    counts = Counter(chosen.values())
    if not any(worth.values()):
        return {c: 1.0 if c in worth else FALLBACK for c in counts}
    low = float(np.median(list(worth.values())))
    high = _quantile([worth.get(t, low) for t in chosen.values()], 0.9)
    span = max(high - low, 1e-6)
    return {c: float(np.clip((worth[c] - low) / span, 0, 1)) if c in worth else FALLBACK for c in counts}


def _quantile(values: Sequence[float], q: float) -> float:
    array: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    return float(np.quantile(array, q))
