"""`clip:`, `siglip:` and `hf:REPO_OR_DIR`: dual encoders of transformers, image and text towers into one space.

CLIP (Radford et al., ICML 2021), SigLIP and SigLIP 2 (Zhai et al., ICCV 2023; Tschannen et al., 2025), AltCLIP,
Chinese-CLIP, ALIGN and what else has `get_image_features` and `get_text_features`. The three names load whatever the
folder holds; code that comes with a model is never run. float32 on a CPU, half precision elsewhere (cosines then
differ by about .001).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ictc.embedders.encoder import ImageEncoder
from ictc.embedders.folder import fingerprint, source_of
from ictc.embedders.towers import Towers, TwoTowers
from ictc.interfaces import Tick, Vectors, no_tick
from ictc.models.trained import seen_in
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
    source, options = source_of(argument, kind, context.options)
    return DualEncoder(
        lambda: fingerprint(_VERSION, source), options, lambda: Towers(source, options), seen_in(source.place)
    )


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
