"""What an embedder can do here, found out with a few pictures made for it and two texts."""

from __future__ import annotations

import hashlib
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ictc.embed.cached import CachedEmbedder
from ictc.errors import StepError
from ictc.interfaces import Embedder, ImageEmbedder, JointEmbedder
from ictc.modeloptions import ModelOptions
from ictc.models.minilm import MiniLM
from ictc.registry import EmbedderContext, embedder
from ictc.store import Store
from ictc.types import Failure, Item

_PICTURES, _SIDE = 32, 256
_ASKED = 2  # pictures, where each may be a request that costs
_TEXTS = ["a red square", "a photograph of a dog"]


def trial(spec: str, options: ModelOptions) -> dict[str, Any]:
    """Width of vectors, images a second (loaded, one batch), whether texts share the space.

    Raises:
        StepError: it embeds nothing. SpecError, MissingExtra: it cannot be made.
    """
    store = Store(None)
    made: Any = embedder(spec, EmbedderContext(store, CachedEmbedder(MiniLM(), store), options))
    found: dict[str, Any] = {"images": False, "texts": False}
    if isinstance(made, ImageEmbedder) and not spec.startswith("vectors:"):
        found |= _images(made, spec)
    if isinstance(made, ImageEmbedder) and not isinstance(made, JointEmbedder):
        return {**found, "images": True}
    if hasattr(made, "embed_texts"):
        texts: Embedder = made
        found |= {"texts": True, "width": texts.embed_texts(_TEXTS).shape[1]}
    return found


def _images(made: ImageEmbedder, spec: str) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    pictures = _ASKED if spec.startswith("described:") else _PICTURES
    with tempfile.TemporaryDirectory() as folder:
        items = []
        for i in range(pictures + 1):
            file = Path(folder) / f"{i}.png"
            Image.fromarray(rng.integers(0, 256, (_SIDE, _SIDE, 3), dtype=np.uint8)).save(file)
            items.append(Item(file.name, file, hashlib.sha256(file.read_bytes()).hexdigest()))
        (first,) = made.embed_images(items[:1])  # loads it
        if isinstance(first, Failure):
            raise StepError(f"{spec} embeds no picture ({first.code}): {first.message}", "Try another --device.")
        started = time.perf_counter()
        made.embed_images(items[1:])
        rate = pictures / (time.perf_counter() - started)
    return {"images": True, "width": len(first), "images_per_second": round(rate, 1)}
