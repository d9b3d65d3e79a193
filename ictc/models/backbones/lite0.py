"""`lite0`: the embedded EfficientNet-Lite0 (trained on ImageNet) as a network that can be trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ictc.models.backbones.backbone import Backbone
from ictc.models.efficientnet import DIM, SIDE, WEIGHTS, weights_path

if TYPE_CHECKING:
    from torch.nn import Module

_MEAN, _STD = 127 / 255, 128 / 255  # as it was trained (`models.efficientnet`)


def lite0(side: int | None, *, pretrained: bool) -> Backbone:
    """Raises StepError: the packages that hold it are not installed."""
    side = side or SIDE
    mean, std = (_MEAN,) * 3, (_STD,) * 3
    return Backbone(
        _net(pretrained), DIM, side, mean, std, {"family": "lite0", "side": side}, WEIGHTS if pretrained else ""
    )


def _net(pretrained: bool) -> Module:
    import torch
    from efficientnet_lite_pytorch import EfficientNet
    from torch import nn

    weights = weights_path()
    net = EfficientNet.from_name("efficientnet-lite0")
    if pretrained:
        net.load_state_dict(torch.load(weights, weights_only=True, map_location="cpu"))
    net._fc = nn.Identity()

    class Lite0(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x):  # type: ignore[no-untyped-def]
            return self.net.extract_features(x).mean((2, 3))

    return Lite0()
