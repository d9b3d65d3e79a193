"""`resnet`, `efficientnet`, `dinov2` and `vision:REPO_OR_DIR`: networks that were trained on images alone.

The vector is the network's last layer before its classifier, as it is, not of unit length: the mean over places of a
convolutional network (ResNet, He et al., CVPR 2016; EfficientNet, Tan and Le, ICML 2019), the class token of a
transformer (ViT, Dosovitskiy et al., ICLR 2021; DINOv2, Oquab et al., TMLR 2024). A head learned on top of it is left
out: checkpoints of classifiers lack it. Images are prepared as the model's own files say. The first three without
REPO_OR_DIR are the models published under these names; with it, they load whatever the folder holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from ictc.embedders.encoder import ImageEncoder, Pixels
from ictc.embedders.folder import check_folder, fingerprint, source_of
from ictc.embedders.towers import class_of, hint_of
from ictc.errors import SpecError
from ictc.interfaces import Vectors
from ictc.modeloptions import ModelOptions
from ictc.models.hf.loading import check_code, device_for, part, quiet
from ictc.models.hf.spec import Source
from ictc.models.hf.whole import whole
from ictc.models.trained import seen_in
from ictc.registry import EmbedderContext

_VERSION = "vision/1"
"""To be changed with every change here that can give other vectors."""

_PUBLISHED = {
    "resnet": "microsoft/resnet-50",
    "efficientnet": "google/efficientnet-b0",
    "dinov2": "facebook/dinov2-base",
}
_LEARNED_TOP = "pooler."


def resnet(argument: str, context: EmbedderContext) -> ImageEncoder[VisionTower]:
    """The entry point `resnet`. Reads the configuration; libraries and weights are loaded when first needed.

    Raises:
        SpecError: there is no such model, its weights are pickles, or it is no encoder of images.
    """
    return _made("resnet", argument, context)


def efficientnet(argument: str, context: EmbedderContext) -> ImageEncoder[VisionTower]:
    """The entry point `efficientnet`; see `resnet`."""
    return _made("efficientnet", argument, context)


def dinov2(argument: str, context: EmbedderContext) -> ImageEncoder[VisionTower]:
    """The entry point `dinov2`; see `resnet`."""
    return _made("dinov2", argument, context)


def vision(argument: str, context: EmbedderContext) -> ImageEncoder[VisionTower]:
    """The entry point `vision`; see `resnet`."""
    return _made("vision", argument, context)


def _made(kind: str, argument: str, context: EmbedderContext) -> ImageEncoder[VisionTower]:
    source, options = source_of(argument or _PUBLISHED.get(kind, ""), kind, context.options)
    return ImageEncoder(
        lambda: fingerprint(_VERSION, source), options, lambda: VisionTower(source, options), seen_in(source.place)
    )


class VisionTower:
    """Implements `Tower`. Loads the weights.

    Raises:
        SpecError: it is incomplete, cannot be loaded, would run code of its own, or does not read images alone.
    """

    def __init__(self, source: Source, options: ModelOptions) -> None:
        from transformers import AutoImageProcessor, AutoModel

        check_code(source, options)
        if getattr(class_of(source), "main_input_name", "") != "pixel_values":
            raise _not_vision(source)
        check_folder(source, sees=True, reads=False)
        self.device = device_for(options.device)
        quiet()
        dtype = "float32" if self.device == "cpu" else "float16"
        model = whole(AutoModel, source, options, (_LEARNED_TOP,), dtype=dtype)
        self._model = model.to(self.device).eval()
        self._source = source
        self._images = part(AutoImageProcessor, source, options, backend="pil")
        top = getattr(self._model, _LEARNED_TOP.rstrip("."), None)
        self._learned_top = top is not None and any(True for _ in top.parameters())

    @property
    def hint(self) -> tuple[int, int] | None:
        return hint_of(self._images)

    def pixels(self, image: Image.Image) -> Pixels:
        return {"pixel_values": self._images(image, return_tensors="np")["pixel_values"]}

    def images(self, batch: Sequence[Pixels]) -> Vectors:
        """float32 [n, d]; zeros where a number is not finite."""
        import torch

        pixels = torch.from_numpy(np.concatenate([p["pixel_values"] for p in batch]))
        with torch.inference_mode():
            given = self._model(pixels.to(self.device, self._model.dtype))
            rows: Vectors = self._top(given).flatten(1).float().cpu().numpy()
        rows[~np.isfinite(rows).all(axis=1)] = 0
        return rows

    def _top(self, given: Any) -> Any:
        pooled = getattr(given, "pooler_output", None)
        if pooled is not None and not self._learned_top:
            return pooled
        last = getattr(given, "last_hidden_state", None)
        if last is None:
            raise _not_vision(self._source)
        return last[:, 0] if last.dim() == 3 else last.mean((2, 3))


def _not_vision(source: Source) -> SpecError:
    return SpecError(
        f"{source.spec} ('{source.model_type}') is no encoder of images alone.",
        "Choose a ResNet, EfficientNet, ViT, DINOv2 or the like; of images and texts together: clip:FOLDER",
    )
