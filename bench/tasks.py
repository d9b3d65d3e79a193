"""What the parts are measured on: descriptions of many kinds under many criteria, each with its truth."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.end_to_end import tasks as picture_tasks
from bench.made_up import SETS
from ictc.descriptions import read_recorded
from ictc.images.sources import read_source
from ictc.interfaces import Embedder, Tick, Vectors, no_tick
from ictc.pipeline import split
from ictc.reasoners.embedding import EmbeddingReasoner
from ictc.registry import DescriberContext, describer
from ictc.scoring.truth import read_truth
from ictc.store import Store
from ictc.types import Description

MADE_UP = "made up, mean of 15"
Answers = dict[str, str | None]


@dataclass(frozen=True)
class Task:
    """Descriptions under a criterion, and the class of each image. Tasks of one column are averaged."""

    column: str
    criterion: str
    k: int
    descriptions: Sequence[Description]
    truth: Mapping[str, str]


class Remembered:
    """An `Embedder` that embeds no text twice, in this process alone: a hundred rows share their texts."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self._known: dict[str, Vectors] = {}

    @property
    def fingerprint(self) -> str:
        return self._inner.fingerprint

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        missing = [t for t in dict.fromkeys(texts) if t not in self._known]
        if missing or not texts:
            fresh = self._inner.embed_texts(missing, tick)
            self._known.update(zip(missing, fresh, strict=True))
        return np.stack([self._known[t] for t in texts]) if texts else fresh


def tasks(data: Path, scratch: Path, embedder: Embedder) -> list[Task]:
    """Recorded descriptions under several criteria, the offline describer's words for images, and made-up ones."""
    cifar, ppmi, stanford = (
        read_recorded(data / "captions" / f"{name}.jsonl.gz")
        for name in ("cifar10_llava", "ppmi7_instrument_llava", "stanford40_location_llava")
    )
    vehicle = re.compile(r"_(airplane|automobile|ship|truck)\.")
    animals = [d for d in cifar if not vehicle.search(d.image)][::6]
    vehicles = [d for d in cifar if vehicle.search(d.image)][::4]
    found = [
        _recorded("CIFAR-10, 10,000, object", "object", 10, cifar),
        _recorded("PPMI-7, 700, musical instrument", "musical instrument", 7, ppmi),
        _recorded("CIFAR-10, 1,000 animals, animal", "animal", 6, animals),
        _recorded("CIFAR-10, 1,000 vehicles, vehicle", "vehicle", 4, vehicles),
        _recorded("Stanford-40, 1,192, what the person is doing", "what the person is doing", 40, stanford[::8]),
    ]
    for task in picture_tasks(data, scratch):
        if task.images.startswith("recorded:"):
            continue
        items = read_source(task.images).items
        describing = describer("offline", DescriberContext(Store(None), embedder))
        described, _ = split(describing.describe(items, task.criterion))
        truth = read_truth(task.truth, [i.name for i in items]).classes
        found.append(Task(f"{task.name}, words alone", task.criterion, task.k, described, truth))
    for made in SETS:
        pairs = list(made.pairs())
        described = [Description(f"{i}.png", text, "made up") for i, (text, _) in enumerate(pairs)]
        truth = {f"{i}.png": kind for i, (_, kind) in enumerate(pairs)}
        found.append(Task(MADE_UP, made.criterion, made.k, described, truth))
    return found


def clusters(reasoner: EmbeddingReasoner, task: Task) -> Answers:
    """Steps 2a, 2b and 3."""
    labels, _ = split(reasoner.label(task.descriptions, task.criterion))
    taxonomy = reasoner.merge(task.descriptions, labels, task.criterion, task.k)
    assigned, _ = split(reasoner.assign(task.descriptions, taxonomy, task.criterion))
    return {a.image: a.cluster for a in assigned}


def _recorded(column: str, criterion: str, k: int, descriptions: Sequence[Description]) -> Task:
    truth = read_truth("filename", [d.image for d in descriptions]).classes
    return Task(column, criterion, k, descriptions, truth)
