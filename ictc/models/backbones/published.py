"""`resnet`, `efficientnet`, `dinov2`, `vision:REPO_OR_DIR`: transformers' networks of images, to be trained on.

Features are those of the embedders of the same names (`embedders.vision`): the pooled places of a convolutional
network, the class token of a transformer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ictc.errors import SpecError
from ictc.modeloptions import ModelOptions
from ictc.models.backbones.backbone import IMAGENET, Backbone
from ictc.models.hf.loading import part, quiet
from ictc.models.hf.spec import read
from ictc.models.hf.whole import whole

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

PUBLISHED = {
    "resnet": "microsoft/resnet-50",
    "efficientnet": "google/efficientnet-b0",
    "dinov2": "facebook/dinov2-base",
    "vision": "",
}
_SIDE = 224


def published(kind: str, argument: str, side: int | None, *, pretrained: bool) -> Backbone:
    """Raises SpecError: there is no such model, it cannot be loaded, or it does not read images alone."""
    from transformers import AutoConfig, AutoModel

    quiet()
    source = read(argument or PUBLISHED[kind], kind, embeds=True)
    options = ModelOptions()
    config = part(AutoConfig, source, options)
    try:
        if pretrained:
            module = whole(AutoModel, source, options, ("pooler.",), dtype="float32")
        else:
            module = AutoModel.from_config(config)
    except ValueError as error:
        raise _not_vision(source.spec) from error
    if getattr(module, "main_input_name", "") != "pixel_values":
        raise _not_vision(source.spec)
    prepared = _preparation(Path(source.place)) if Path(source.place).is_dir() else {}
    side = side or _side_of(prepared) or _config_side(config) or _SIDE
    mean = tuple(prepared.get("image_mean") or IMAGENET[0])
    std = tuple(prepared.get("image_std") or IMAGENET[1])
    made = {"family": "transformers", "config": config.to_dict(), "side": side, "mean": mean, "std": std}
    return replace(_wrapped(module, made), weights=source.digest if pretrained else "")


def of_config(made: Mapping[str, Any]) -> Backbone:
    """The network that `made` describes, of random weights."""
    from transformers import AutoConfig, AutoModel

    quiet()
    told = dict(made["config"])
    config = AutoConfig.for_model(told.pop("model_type"), **told)
    return _wrapped(AutoModel.from_config(config), made)


def _wrapped(module: Any, made: Mapping[str, Any]) -> Backbone:
    import torch

    side = int(made["side"])
    net = _features(module.float())
    training = net.training
    with torch.inference_mode():
        dim = net.eval()(torch.zeros(1, 3, side, side)).shape[1]
    return Backbone(net.train(training), dim, side, tuple(made["mean"]), tuple(made["std"]), made)


def _features(module: Any) -> Module:
    from torch import nn

    top = getattr(module, "pooler", None)
    learned = top is not None and any(True for _ in top.parameters())
    if learned:  # a head on top of the class token is for classifiers; it would be trained on nothing
        module.pooler = None

    class Features(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = module

        def forward(self, pixels: Tensor) -> Tensor:
            given = self.net(pixels)
            pooled = getattr(given, "pooler_output", None)
            if pooled is not None:
                flat: Tensor = pooled.flatten(1)
                return flat
            last = given.last_hidden_state
            found: Tensor = last[:, 0] if last.dim() == 3 else last.mean((2, 3))
            return found

    return Features()


def _preparation(folder: Path) -> dict[str, Any]:
    file = folder / "preprocessor_config.json"
    try:
        return dict(json.loads(file.read_text("utf-8"))) if file.is_file() else {}
    except ValueError as error:
        raise SpecError(f"{file} cannot be read: {error}", "Copy it again.") from error


def _side_of(prepared: Mapping[str, Any]) -> int | None:
    for name in ("crop_size", "size"):
        size = prepared.get(name)
        if isinstance(size, int):
            return size
        if isinstance(size, Mapping) and (found := size.get("height") or size.get("shortest_edge")):
            return int(found)
    return None


def _config_side(config: Any) -> int | None:
    size = getattr(config, "image_size", None)
    return int(size) if isinstance(size, int) else None


def _not_vision(spec: str) -> SpecError:
    return SpecError(
        f"{spec} is no network of images alone.",
        "Choose a ResNet, EfficientNet, ViT, DINOv2 or the like: --base vision:FOLDER",
    )
