"""What all checks stand on: pictures to try with, backends opened by their spec, a rule that is broken."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ictc.interfaces import Describer, Embedder, ImageEmbedder, Model
from ictc.modeloptions import ModelOptions
from ictc.models.minilm import MiniLM
from ictc.registry import DescriberContext, EmbedderContext, describer, embedder, model
from ictc.store import Store
from ictc.types import Item

BAD, COPY, ABSENT = 2, 4, 5
"""Of `pictures`: one that is none, one with the bytes of the first, one without a file."""


def holds(fact: bool, rule: str) -> None:
    """Raises AssertionError where `rule` is broken; also under `python -O`."""
    if not fact:
        raise AssertionError(rule)


def name(check: Callable[..., None]) -> str:
    """Of a check, for a report of tests."""
    return check.__name__


def pictures(folder: Path) -> list[Item]:
    """Six small pictures: red, green, one that is none, blue, the first again, one without a file."""
    draw = np.random.default_rng(3)
    found = []
    for i, tint in enumerate([(90, 0, 0), (0, 90, 0), (0, 0, 0), (0, 0, 90), (0, 0, 0)]):
        file = folder / f"{i}.png"
        noise = draw.integers(0, 160, (40 + i, 48, 3)) + np.array(tint)
        Image.fromarray(noise.astype(np.uint8)).save(file)
        if i == BAD:
            file.write_bytes(b"no image")
        if i == COPY:
            shutil.copy(folder / "0.png", file)
        found.append(Item(file.name, file, hashlib.sha256(file.read_bytes()).hexdigest()))
    return [*found, Item("5.png")]


def open_describer(spec: str) -> Describer:
    """As `--describer` would, with a store of its own."""
    return describer(spec, DescriberContext(Store(None), MiniLM()))


def open_model(spec: str, **options: Any) -> Model:
    """As `--model` would, bare: without store, meter and budget. `options`: those of `ModelOptions`."""
    return model(spec, ModelOptions(**options))


def open_embedder(spec: str, **options: Any) -> ImageEmbedder | Embedder:
    """As `--embedder` would, with a store of its own."""
    return embedder(spec, EmbedderContext(Store(None), MiniLM(), ModelOptions(**options)))
