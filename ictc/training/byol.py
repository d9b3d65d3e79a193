"""BYOL (Grill et al., NeurIPS 2020): from one view of an image, what a slower self makes of the other is predicted.

No image is compared with others, so small batches do. The slower self (target) is a moving average of the weights;
its batch normalisation goes by its own batches.
"""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ictc.models.backbones.backbone import Backbone
from ictc.progress import Watch, unwatched
from ictc.training.augment import View, augmented
from ictc.training.loop import Device
from ictc.training.losses import regression
from ictc.training.selfsupervised import SHARP, Asked, checked, train_views, two_layers

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

KIND = "byol"
TAU = 0.9
"""Published: .996, for a million steps and more. In hundreds a target so slow stays what it was at random, and little
is learned (docs/benchmarks.md)."""
_HIDDEN, _PROJECTED = 4096, 256


def train_byol(
    asked: Asked,
    out: Path,
    device: Device = Device(),  # noqa: B008 (frozen)
    watch: Watch = unwatched,
    *,
    tau: float = TAU,
    solarise: float = 0.2,
    restart: bool = False,
) -> dict[str, Any]:
    """As `train_views`. `tau`: how much of itself the target keeps at the first step; 1 at the last.
    `solarise`: of the second views so many have their bright pixels inverted."""
    checked("--tau", tau, 0, 1)
    checked("--solarise", solarise, 0, 1)

    def pair(side: int) -> tuple[View, View]:
        """As published, where there is blur one view always has it and the other seldom."""
        one, other = (1.0, 0.1) if side >= SHARP else (0.0, 0.0)
        return asked.view(one), replace(asked.view(other), solarise=solarise)

    def network(backbone: Backbone) -> Module:
        return byol(backbone, tau)

    return train_views(KIND, asked, {"tau": tau}, pair, network, out, device, watch, restart=restart)


def kept(tau: float, share: float) -> float:
    """What the target keeps of itself when `share` of the steps are done: from `tau` to 1 by a cosine."""
    return 1 - (1 - tau) * (math.cos(math.pi * share) + 1) / 2


def byol(backbone: Backbone, tau: float) -> Module:
    """From pixels and the numbers of two views to the loss. Implements `Stepped`."""
    import torch
    from torch import nn

    class Byol(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            hidden = min(4 * backbone.dim, _HIDDEN)
            self.encoder = backbone.module
            self.projector = two_layers(backbone.dim, hidden, _PROJECTED)
            self.predictor = two_layers(_PROJECTED, hidden, _PROJECTED)
            self.target = deepcopy(nn.Sequential(self.encoder, self.projector)).requires_grad_(False)

        def forward(self, pixels: Tensor, one: Tensor, other: Tensor) -> Tensor:
            views = [backbone.normalised(augmented(pixels, rows)) for rows in (one, other)]
            predicted = [self.predictor(self.projector(self.encoder(view))) for view in views]
            with torch.no_grad():
                targets = [self.target(view) for view in views]
            return regression(predicted[0], targets[1]) + regression(predicted[1], targets[0])

        def stepped(self, share: float) -> None:
            with torch.no_grad():
                for slow, fast in zip(self.target.parameters(), self._online(), strict=True):
                    slow.lerp_(fast, 1 - kept(tau, share))

        def _online(self) -> list[Any]:
            return [*self.encoder.parameters(), *self.projector.parameters()]

    return Byol()
