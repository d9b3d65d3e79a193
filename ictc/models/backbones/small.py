"""`small[:WIDTH]`: a residual network for small images, made here, of random weights.

The first layers of ResNet are those for CIFAR (3 x 3, no pooling; He et al., CVPR 2016, section 4.2), so that 32 x 32
pixels are seen at full size; three stages of two blocks, of WIDTH, 2 WIDTH and 4 WIDTH channels. It learns on a CPU
in minutes, which nothing larger does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ictc.errors import SpecError
from ictc.models.backbones.backbone import IMAGENET, Backbone

if TYPE_CHECKING:
    from torch.nn import Module

SIDE, WIDTH = 32, 32
_BLOCKS = 2


def small(argument: str, side: int | None) -> Backbone:
    """Raises SpecError: the width is no number."""
    width = int(argument) if argument.isdecimal() else 0 if argument else WIDTH
    if width < 1:
        raise SpecError(f"small:{argument}: the width is no number of channels.", f"For example: small:{WIDTH}")
    side = side or SIDE
    return Backbone(_net(width), 4 * width, side, *IMAGENET, {"family": "small", "width": width, "side": side})


def _net(width: int) -> Module:
    from torch import nn

    def convolution(into: int, out: int, size: int, stride: int) -> list[nn.Module]:
        return [nn.Conv2d(into, out, size, stride, size // 2, bias=False), nn.BatchNorm2d(out)]

    class Block(nn.Module):
        def __init__(self, into: int, out: int, stride: int) -> None:
            super().__init__()
            self.body = nn.Sequential(*convolution(into, out, 3, stride), nn.ReLU(), *convolution(out, out, 3, 1))
            same = stride == 1 and into == out
            self.short = nn.Identity() if same else nn.Sequential(*convolution(into, out, 1, stride))

        def forward(self, x):  # type: ignore[no-untyped-def]
            return nn.functional.relu(self.body(x) + self.short(x))

    layers = [*convolution(3, width, 3, 1), nn.ReLU()]
    into = width
    for stage in range(3):
        for block in range(_BLOCKS):
            out = width * 2**stage
            layers.append(Block(into, out, 2 if stage and not block else 1))
            into = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
