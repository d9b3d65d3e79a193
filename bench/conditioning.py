"""Other ways to make a description's vector speak of the criterion: each gives unit rows for texts and their labels."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from ictc.interfaces import Embedder, Tick, Vectors, no_tick
from ictc.prompts import load
from ictc.reasoners.assign import NAME_PROMPT
from ictc.reasoners.labels import ASPECTS, Embed
from ictc.reasoners.spherical import unit
from ictc.reasoners.words import core

Conditioning = Callable[[Sequence[str], Sequence[str], str, Embed], Vectors]
"""(texts, their labels, criterion, embedder) -> unit rows [n, d]"""

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_CLAUSE = re.compile(r"(?<=[.!?,;])\s+|\s+(?=(?:with|while|and|which|who|standing|sitting|wearing)\b)")


def asked_first(texts: Sequence[str], labels: Sequence[str], criterion: str, embed: Embed) -> Vectors:
    """The criterion before the description, as instruction-tuned embedders are asked (Su et al., ACL 2023)."""
    return embed([f"{criterion}: {text}" for text in texts])


def answered_first(texts: Sequence[str], labels: Sequence[str], criterion: str, embed: Embed) -> Vectors:
    """The criterion and its answer before the description."""
    return embed([_answer(criterion, label, text) for text, label in zip(texts, labels, strict=True)])


def first_sentence(texts: Sequence[str], labels: Sequence[str], criterion: str, embed: Embed) -> Vectors:
    return embed([_SENTENCE.split(text.strip())[0] for text in texts])


def nearest_sentence(texts: Sequence[str], labels: Sequence[str], criterion: str, embed: Embed) -> Vectors:
    return _nearest([_SENTENCE.split(text.strip()) for text in texts], criterion, embed)


def nearest_clause(texts: Sequence[str], labels: Sequence[str], criterion: str, embed: Embed) -> Vectors:
    return _nearest([_CLAUSE.split(text.strip()) for text in texts], criterion, embed)


def sentence_of_the_label(texts: Sequence[str], labels: Sequence[str], criterion: str, embed: Embed) -> Vectors:
    """The first sentence that holds the label's last word; the whole text where none does."""
    chosen = []
    for text, label in zip(texts, labels, strict=True):
        word = label.split()[-1].casefold() if label else ""
        holding = (s for s in _SENTENCE.split(text.strip()) if word and word in s.casefold())
        chosen.append(next(holding, text))
    return embed(chosen)


def weighed_sentences(texts: Sequence[str], labels: Sequence[str], criterion: str, embed: Embed) -> Vectors:
    """The mean of the sentences' vectors, the nearer to the criterion the heavier (odds of e for a tenth of cosine)."""
    parts = [_SENTENCE.split(text.strip()) for text in texts]
    vectors, near = _near(parts, criterion, embed)
    rows = [np.exp(10 * near[p]) @ vectors[p] for p in _places(parts)]
    return unit(np.stack(rows)).astype(np.float32)


def all_sentences(texts: Sequence[str], labels: Sequence[str], criterion: str, embed: Embed) -> Vectors:
    """The plain mean of the sentences' vectors: every sentence a describer of its own."""
    parts = [_SENTENCE.split(text.strip()) for text in texts]
    vectors = embed([s for p in parts for s in p])
    return unit(np.stack([vectors[p].mean(0) for p in _places(parts)])).astype(np.float32)


def without_other_aspects(texts: Sequence[str], labels: Sequence[str], criterion: str, embed: Embed) -> Vectors:
    """Less what of it speaks of other aspects (`colour`, `place`, ...): these directions projected out."""
    aspects = embed(ASPECTS.split())
    other = aspects[aspects @ embed([core(criterion) or criterion])[0] < 0.45]
    basis = np.linalg.svd(other - other.mean(0), full_matrices=False)[2][: len(other) - 1]
    rows = embed(texts)
    return unit(rows - rows @ basis.T @ basis).astype(np.float32)


def where_labels_differ(texts: Sequence[str], labels: Sequence[str], criterion: str, embed: Embed) -> Vectors:
    """Projected to the 50 directions along which the images' labels vary most."""
    answers = embed(labels)
    basis = np.linalg.svd(answers - answers.mean(0), full_matrices=False)[2][:50]
    rows = embed(texts)
    return unit(rows @ basis.T @ basis).astype(np.float32)


class Conditioned:
    """An `Embedder` in which descriptions, and the sentences that stand for names, lie elsewhere; labels as ever."""

    def __init__(self, inner: Embedder, where: dict[str, Vectors], names: Callable[[Sequence[str]], Vectors]) -> None:
        self._inner = inner
        self._where = where
        self._names = names

    @property
    def fingerprint(self) -> str:
        return self._inner.fingerprint

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        if texts and all(t.startswith(NAME) for t in texts):
            return self._names([t.removeprefix(NAME) for t in texts])
        if texts and all(t in self._where for t in texts):
            return np.stack([self._where[t] for t in texts])
        return self._inner.embed_texts(texts, tick)


NAME = "name: "
"""Instead of the name prompt, so that sentences of names can be told from other texts."""


def sentences(names: Sequence[str]) -> list[str]:
    """The name prompt's own."""
    return [load(NAME_PROMPT).replace("{name}", name) for name in names]


def _answer(criterion: str, label: str, text: str) -> str:
    return f"The {criterion} of this image: {label}. {text}"


def _nearest(parts: Sequence[Sequence[str]], criterion: str, embed: Embed) -> Vectors:
    vectors, near = _near(parts, criterion, embed)
    return np.stack([vectors[p][int(near[p].argmax())] for p in _places(parts)])


def _near(parts: Sequence[Sequence[str]], criterion: str, embed: Embed) -> tuple[Vectors, Vectors]:
    vectors = embed([part for row in parts for part in row])
    near: Vectors = vectors @ embed([core(criterion) or criterion])[0]
    return vectors, near


def _places(parts: Sequence[Sequence[str]]) -> list[slice]:
    ends = np.cumsum([len(p) for p in parts]).tolist()
    return [slice(end - len(p), end) for end, p in zip(ends, parts, strict=True)]
