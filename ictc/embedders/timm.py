"""`timm:NAME`: trained networks of timm (Wightman, 2019), such as `timm:resnet50.a1_in1k`, before their classifier.

NAME may be `hf-hub:OWNER/NAME` or `local-dir:FOLDER`. Vectors are as the network gives them, not of unit length. It
needs the packages timm and torchvision (`pip install 'ictc[timm]'`), which are not among those this project is tested
with: tested is that this room calls timm's functions as documented, on a stand-in that has the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import numpy as np
from PIL import Image

from ictc.embedders.encoder import ImageEncoder, Pixels
from ictc.errors import MissingExtra, SpecError
from ictc.interfaces import Vectors
from ictc.models.hf.loading import device_for
from ictc.models.weights import folder_digest
from ictc.registry import EmbedderContext

_VERSION = "timm/1"
_MODULES = ("timm", "torchvision")
_LOCAL = "local-dir:"
_REASON = 400  # characters of a library's message that are shown


def create(argument: str, context: EmbedderContext) -> ImageEncoder[TimmTower]:
    """The entry point `timm`. Weights are loaded when first needed.

    Raises:
        MissingExtra: timm or torchvision is not installed.
        SpecError: the spec names no model.
    """
    if not argument:
        raise SpecError("'timm:' names no model.", "Type timm:NAME, such as timm:resnet50.a1_in1k")
    if any(find_spec(module) is None for module in _MODULES):
        raise MissingExtra(f"timm:{argument}", "timm")
    load = partial(TimmTower, argument, context.options.device)
    return ImageEncoder(lambda: _fingerprint(argument), context.options, load)


class TimmTower:
    """Implements `Tower`. Loads the weights.

    Raises:
        SpecError: timm cannot make it.
    """

    def __init__(self, name: str, device: str | None) -> None:
        import timm

        self.device = device_for(device)
        try:
            model = timm.create_model(name, pretrained=True, num_classes=0)  # no classifier
            settings = timm.data.resolve_model_data_config(model)
            self._prepare = timm.data.create_transform(**settings, is_training=False)
        except Exception as error:  # it has no error class of its own
            raise SpecError(
                f"timm:{name} cannot be loaded: {str(error)[:_REASON]}",
                "See which there are: python -c 'import timm; print(timm.list_pretrained())'",
            ) from error
        self._model = model.to(self.device).eval()
        self._side = max(settings["input_size"][1:])

    @property
    def hint(self) -> tuple[int, int] | None:
        return (2 * self._side, 2 * self._side)

    def pixels(self, image: Image.Image) -> Pixels:
        return {"pixels": self._prepare(image)[None].numpy()}

    def images(self, batch: Sequence[Pixels]) -> Vectors:
        """float32 [n, d]; zeros where a number is not finite."""
        import torch

        pixels = torch.from_numpy(np.concatenate([p["pixels"] for p in batch])).to(self.device)
        with torch.inference_mode():
            rows: Vectors = self._model(pixels).flatten(1).float().cpu().numpy()
        rows[~np.isfinite(rows).all(axis=1)] = 0
        return rows


def _fingerprint(name: str) -> str:
    """A folder of weights counts by its content, a published name by the name."""
    named = folder_digest(name.removeprefix(_LOCAL)) if name.startswith(_LOCAL) else name
    try:
        installed = version("timm")
    except PackageNotFoundError:
        installed = "unknown"
    return f"{_VERSION}:{named},timm=={installed},pillow=={version('pillow')}"
