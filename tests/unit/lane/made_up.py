"""A joint space with a known geometry: classes in groups, a broad nuisance, and a gap between images and texts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from ictc.embed.images import CachedImages
from ictc.interfaces import Tick, Vectors, no_tick
from ictc.lane.describer import LaneDescriber
from ictc.lane.place import Placer
from ictc.lane.reasoner import LaneReasoner
from ictc.means import Lane
from ictc.pipeline import split
from ictc.promptset import PromptSet
from ictc.store import Store
from ictc.types import Assignment, Description, Failure, Item, Label, Taxonomy

CLASSES = ("cat", "dog", "cow", "car", "bus", "van")
GROUPS = {"cat": "animal", "dog": "animal", "cow": "animal", "car": "vehicle", "bus": "vehicle", "van": "vehicle"}
WIDTH = 48
PROMPTS = PromptSet(
    CLASSES,
    {
        "task": tuple(f"This is a {c}" for c in CLASSES),
        "grouped": tuple(f"This is a {GROUPS[c]}" for c in CLASSES),
        "hierarchical": tuple(f"This is a {c} {GROUPS[c]}" for c in CLASSES),
        "generic": ("This is an image",) * len(CLASSES),
    },
    GROUPS,
)


class MadeUp:
    """A class is two directions of its own, a group another. Images of a class differ by class and group a little, by
    a nuisance in two broad directions much more; `asked` counts the images that were embedded."""

    fingerprint = "made-up/1"

    def __init__(self) -> None:
        self.asked = 0

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        rows = []
        for text in texts:
            row = 0.02 * _noise(text)
            row[0] += 1
            for word in text.split():
                if word in CLASSES:
                    row += _direction(word)
                if word in GROUPS.values():
                    row += _group(word)
            rows.append(row)
        return _unit(np.stack(rows)) if rows else np.zeros((0, WIDTH), np.float32)

    def embed_images(self, items: Sequence[Item], tick: Tick = no_tick) -> list[Vectors | Failure]:
        self.asked += len(items)
        tick(len(items))
        return list(_unit(np.stack([self._image(i.name) for i in items])))

    def _image(self, name: str) -> np.ndarray:
        noise, kind = _noise(name), name.partition("_")[2]
        row = 0.28 * noise + 0.8 * _direction(kind) + 0.8 * _group(GROUPS[kind])
        row[1] += 3
        row[2:4] += 1.2 * noise[2:4]
        return row


def _noise(text: str) -> np.ndarray:
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).normal(size=WIDTH)


def _direction(name: str) -> np.ndarray:
    return np.eye(WIDTH)[4 + CLASSES.index(name)] * 1.0


def _group(name: str) -> np.ndarray:
    return np.eye(WIDTH)[20 if name == "animal" else 21] * 1.0


def _unit(rows: np.ndarray) -> Vectors:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def items(each: int = 60) -> list[Item]:
    names = [f"{i}_{c}" for i in range(each) for c in CLASSES]
    return [Item(name, sha256=hashlib.sha256(name.encode()).hexdigest()) for name in names]


class Made:
    """A lane over the made-up space, its steps done one after the other."""

    def __init__(self, lane: Lane, store: Store | None = None, each: int = 60) -> None:
        self.store = store or Store(None)
        self.embedder = MadeUp()
        self.items = items(each)
        images = CachedImages(self.embedder, self.store)
        found, _ = split(LaneDescriber(images, "made-up").describe(self.items, ""))
        self.descriptions: list[Description] = found
        self.reasoner = LaneReasoner(Placer(images, lane), lane, self.store)

    def labels(self) -> list[Label]:
        return split(self.reasoner.label(self.descriptions, "kind"))[0]

    def done(self, k: int | None) -> tuple[Taxonomy, list[Assignment]]:
        taxonomy = self.reasoner.merge(self.descriptions, self.labels(), "kind", k)
        return taxonomy, split(self.reasoner.assign(self.descriptions, taxonomy, "kind"))[0]
