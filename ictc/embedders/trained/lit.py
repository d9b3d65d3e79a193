"""Texts in the space of a network that knew images alone, or of a dual encoder whose text tower was tuned."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ictc.embedders.dual import DualEncoder
from ictc.embedders.folder import fingerprint, source_of
from ictc.embedders.towers import Towers
from ictc.embedders.trained.base import Base, placed
from ictc.errors import SpecError
from ictc.interfaces import Tick, Vectors, no_tick
from ictc.models.minilm import BATCH, MiniLM, mean_pooled, opened, padded, tokens_of
from ictc.models.trained import TrainedFolder
from ictc.models.weights import folder_digest
from ictc.reasoners.spherical import unit
from ictc.registry import EmbedderContext
from ictc.types import Failure, Item

if TYPE_CHECKING:
    from ictc.models.bert import Bert

_VERSION = "trained-lit/1"
"""To be changed with every change here that can give other vectors."""


def create(found: TrainedFolder, context: EmbedderContext) -> TunedDual | Tuned:
    """Raises SpecError: the base, MiniLM or the dual encoder is not the one that was trained with."""
    if "folder" not in found.made:
        return Tuned(found, Base(found, context))
    folder = found.folder / str(found.made["folder"])
    if folder_digest(str(folder)) != found.made["weights"]:
        raise _touched(folder)
    source, options = source_of(str(folder), "clip", context.options)
    whole = str(found.made.get("sha256", ""))

    def towers() -> Towers:
        if whole and weights_sha256(folder) != whole:  # read to the end only where they are read anyway
            raise _touched(folder)
        return Towers(source, options)

    made = TunedDual(lambda: fingerprint(f"{_VERSION}:{found.digest},{whole}", source), options, towers)
    made.seen = found.seen
    return made


def weights_sha256(folder: Path) -> str:
    """SHA-256 of the weights in a folder, every byte: of model.safetensors, or of all its parts one after another."""
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.safetensors")):
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _touched(folder: Path) -> SpecError:
    return SpecError(f"{folder} is not what the training left there.", "Copy the folder again, or train anew.")


class TunedDual(DualEncoder):
    """Implements `JointEmbedder` and `Trained`. `clip:OUT/clip` gives the same vectors."""

    seen: frozenset[str]


class Tuned:
    """Implements `JointEmbedder`, `Foreseeing` and `Trained`: the base's vectors, standardised; MiniLM, tuned."""

    def __init__(self, found: TrainedFolder, base: Base) -> None:
        text, before = MiniLM().fingerprint, found.made["text"]
        if text != before:
            raise SpecError(
                f"{found.spec} was trained with the text model {before}; here is {text}.",
                f"Run: pip install '{str(before).partition(',')[0]}'    or train anew.",
            )
        self._found, self._base = found, base
        self._lock = threading.Lock()
        self._parts: tuple[Any, Bert, dict[str, Any]] | None = None
        self.seen = found.seen

    @property
    def fingerprint(self) -> str:
        return f"{_VERSION}:{self._found.digest},{self._base.fingerprint}"

    def foresee(self, items: Sequence[Item]) -> None:
        self._base.foresee(items)

    def embed_images(self, items: Sequence[Item], tick: Tick = no_tick) -> list[Vectors | Failure]:
        found, rows = self._base.rows(items, tick)
        if not len(rows):
            return found
        weights = self._loaded()[2]
        return placed(found, unit((rows - weights["mean"].numpy()) / weights["scale"].numpy()))

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        """Unit rows [n, d]. A text without words is a row of zeros."""
        import torch

        tokenizer, bert, weights = self._loaded()
        rows = np.zeros((len(texts), len(weights["mean"])), np.float32)
        worded = [i for i, text in enumerate(texts) if text.strip()]
        tokens = dict(zip(worded, tokens_of(tokenizer, [texts[i] for i in worded]), strict=True))
        order = sorted(worded, key=lambda i: (len(tokens[i]), texts[i]))
        tick(len(texts) - len(worded))
        with torch.inference_mode():
            for start in range(0, len(order), BATCH):
                part = order[start : start + BATCH]
                pooled = mean_pooled(bert, *padded([tokens[i] for i in part])).float()
                rows[part] = (torch.nn.functional.normalize(pooled, dim=1) @ weights["projection.weight"].T).numpy()
                tick(len(part))
        return unit(rows)

    def _loaded(self) -> tuple[Any, Bert, dict[str, Any]]:
        """Raises SpecError: the weights are damaged, or of another architecture."""
        with self._lock:
            if self._parts is None:
                weights = self._found.weights()
                tokenizer, bert = opened()
                own = {n.removeprefix("text."): w for n, w in weights.items() if n.startswith("text.")}
                width = self._found.made["width"]
                fit = all(n in bert.weights and w.shape == bert.weights[n].shape for n, w in own.items())
                sizes = {name: len(weights.get(name, ())) for name in ("mean", "scale", "projection.weight")}
                if not fit or set(sizes.values()) != {width}:
                    raise SpecError(
                        f"{self._found.spec}: its weights are of another architecture.", "Copy it again, or train anew."
                    )
                bert.weights.update(own)
                self._parts = tokenizer, bert, weights
            return self._parts
