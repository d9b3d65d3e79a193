"""`clip:`, `siglip:` and `hf:REPO_OR_DIR`: dual encoders of transformers, image and text towers into one space.

CLIP (Radford et al., ICML 2021), SigLIP and SigLIP 2 (Zhai et al., ICCV 2023; Tschannen et al., 2025), AltCLIP,
Chinese-CLIP, ALIGN and what else has `get_image_features` and `get_text_features`. The three names load whatever the
folder holds; code that comes with a model is never run. float32 on a CPU, half precision elsewhere (cosines then
differ by about .001).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version

import numpy as np

from ictc.embedders.encoder import ImageEncoder
from ictc.embedders.towers import Towers, TwoTowers
from ictc.errors import SpecError
from ictc.interfaces import Tick, Vectors, no_tick
from ictc.models.hf.spec import Source, read
from ictc.registry import EmbedderContext

_VERSION = "dual/1"
"""To be changed with every change here that can give other vectors."""

_TEXTS = 64


def clip(argument: str, context: EmbedderContext) -> DualEncoder:
    """The entry point `clip`. Reads the configuration; libraries and weights are loaded when first needed.

    Raises:
        SpecError: there is no such model, its weights are pickles, or it is no dual encoder.
    """
    return _made("clip", argument, context)


def siglip(argument: str, context: EmbedderContext) -> DualEncoder:
    """The entry point `siglip`; see `clip`."""
    return _made("siglip", argument, context)


def hf(argument: str, context: EmbedderContext) -> DualEncoder:
    """The entry point `hf`; see `clip`."""
    return _made("hf", argument, context)


def _made(kind: str, argument: str, context: EmbedderContext) -> DualEncoder:
    source = read(argument, kind, embeds=True)
    if source.bits:
        raise SpecError(
            f"{source.spec} is asked for in {source.bits} bits, but embedders are loaded as they are.",
            f"Write: {source.spec}",
        )
    options = replace(context.options, trust_remote_code=False)
    return DualEncoder(lambda: _fingerprint(source), options, lambda: Towers(source, options))


def _fingerprint(source: Source) -> str:
    packages = ",".join(f"{p}=={version(p)}" for p in ("transformers", "pillow"))
    return f"{_VERSION}:{source.digest},{packages}"


class DualEncoder(ImageEncoder[TwoTowers]):
    """Implements `JointEmbedder`: unit vectors of images and texts."""

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        """Unit rows [n, d]. A text without words is a row of zeros; one too long is cut, with a warning."""
        towers = self._loaded()
        rows = np.zeros((len(texts), towers.dim), np.float32)
        place = [i for i, text in enumerate(texts) if text.strip()]
        tick(len(texts) - len(place))
        for start in range(0, len(place), _TEXTS):
            part = place[start : start + _TEXTS]
            with self._lock:
                rows[part] = towers.texts([texts[i] for i in part])
            tick(len(part))
        return rows
