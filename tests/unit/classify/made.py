"""Runs over the made-up joint space, and classifiers made of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ictc.classify.classifier import ALIGNED, NEAREST, Classifier
from ictc.classify.fitting import Plan, fit
from ictc.classify.predict import probabilities
from ictc.embed.images import CachedImages
from ictc.interfaces import Vectors
from ictc.means import Lane
from ictc.result import Result
from ictc.types import Item
from tests.unit.lane.made_up import CLASSES, GROUPS, PROMPTS, Made, MadeUp

TASK = Lane(embedder="made-up", prompt_set=PROMPTS, strategy="task")
IMAGES = Lane(embedder="made-up")


class Fitted:
    """A run of `each` images a class, clustered into six, and the classifier that `method` makes of it."""

    def __init__(self, lane: Lane, method: str, each: int = 40, known: Sequence[str] = CLASSES) -> None:
        made = Made(lane, each=each)
        self.taxonomy, self.assignments = made.done(6) if method == NEAREST else made.done(None)
        self.items, self.store, self.embedder = made.items, made.store, CachedImages(made.embedder, made.store)
        result = Result("kind", made.items, made.descriptions, made.labels(), self.taxonomy, self.assignments, [])
        truth = {i.name: class_of(i) for i in made.items if class_of(i) in known}
        grouped = lane.strategy == "grouped"
        classes = {i: GROUPS[c] if grouped else c for i, c in truth.items()} if method == ALIGNED else {}
        self.plan = Plan(Path("run"), result, lane, method, "filename", made.items, classes)
        self.classifier = fit(self.plan, self.embedder)

    def answers(self, items: Sequence[Item]) -> list[str]:
        return answers(self.classifier, vectors(items))

    def right(self, items: Sequence[Item]) -> float:
        return float(np.mean([a == class_of(i) for a, i in zip(self.answers(items), items, strict=True)]))


def answers(made: Classifier, rows: Vectors) -> list[str]:
    return [made.classes[j] for j in probabilities(made, rows).argmax(1)]


def class_of(item: Item) -> str:
    return item.name.partition("_")[2]


def new_images(each: int = 20) -> list[Item]:
    """Of the same classes, none of them in a run."""
    names = [f"{i}_{c}" for i in range(1000, 1000 + each) for c in CLASSES]
    return [Item(name, sha256=hashlib.sha256(name.encode()).hexdigest()) for name in names]


def vectors(items: Sequence[Item]) -> Vectors:
    return np.stack([v for v in MadeUp().embed_images(items) if isinstance(v, np.ndarray)])


def lane(strategy: str = "task", **more: object) -> Lane:
    return replace(TASK, strategy=strategy, **more)  # type: ignore[arg-type]
