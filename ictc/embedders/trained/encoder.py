"""What a trained network of images sees: the features before its classifier or projection, not of unit length."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.metadata import version

import numpy as np
from PIL import Image

from ictc.embedders.encoder import ImageEncoder, Pixels
from ictc.errors import SpecError
from ictc.interfaces import Vectors
from ictc.models.backbones.backbone import Backbone
from ictc.models.backbones.opening import open_trained
from ictc.models.hf.loading import device_for
from ictc.models.trained import TrainedFolder
from ictc.registry import EmbedderContext
from step1.squares import squares

_VERSION = "trained-encoder/1"
"""To be changed with every change here that can give other vectors."""


_PACKAGES = {"transformers": ("transformers",), "timm": ("timm",), "lite0": ("efficientnet-lite-pytorch",)}
"""By family those that hold the architecture."""


class TrainedEncoder(ImageEncoder["BackboneTower"]):
    """Implements `ImageEmbedder` and `Trained`."""

    seen: frozenset[str]


def create(found: TrainedFolder, context: EmbedderContext) -> TrainedEncoder:
    """Weights are loaded when first needed."""
    packages = ("torch", "pillow", *_PACKAGES.get(found.made.get("encoder", {}).get("family"), ()))
    mark = f"{_VERSION}:{found.digest},{','.join(f'{p}=={version(p)}' for p in packages)}"
    options = context.options
    load = partial(EncoderTower, found, options.device, options.trust_remote_code)
    made = TrainedEncoder(lambda: mark, context.options, load)
    made.seen = found.seen
    return made


class BackboneTower:
    """Implements `Tower`. float32, pictures squashed to the side that the network was trained with."""

    def __init__(self, backbone: Backbone, device: str | None) -> None:
        self.device = device_for(device)
        self._backbone = backbone
        self._module = backbone.module.to(self.device).eval()

    @property
    def hint(self) -> tuple[int, int] | None:
        return (self._backbone.side, self._backbone.side)

    def pixels(self, image: Image.Image) -> Pixels:
        return {"pixels": squares([image], self._backbone.side)}

    def images(self, batch: Sequence[Pixels]) -> Vectors:
        """float32 [n, d]; zeros where a number is not finite."""
        import torch

        pixels = torch.from_numpy(np.concatenate([p["pixels"] for p in batch])).permute(0, 3, 1, 2).to(self.device)
        with torch.inference_mode():
            rows: Vectors = self._module(self._backbone.normalised(pixels.float().div_(255))).float().cpu().numpy()
        rows[~np.isfinite(rows).all(axis=1)] = 0
        return rows


class EncoderTower(BackboneTower):
    """Loads the weights.

    Raises:
        SpecError: weights and architecture do not fit.
    """

    def __init__(self, found: TrainedFolder, device: str | None, trust: bool) -> None:
        super().__init__(open_trained(found.folder, trust=trust), device)
        if self._backbone.dim != found.made.get("dim", self._backbone.dim):
            raise SpecError(f"{found.spec}: its trained.json is of another network.", "Copy the folder again.")
