"""SimCLR (Chen et al., ICML 2020): two views of one image are to be nearer than those of any other in the batch.

On several GPUs the others are those of all of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ictc.models.backbones.backbone import Backbone
from ictc.progress import Watch, unwatched
from ictc.training.augment import View, augmented
from ictc.training.loop import Device
from ictc.training.losses import nt_xent
from ictc.training.selfsupervised import SHARP, Asked, checked, train_views, two_layers
from ictc.training.together import gathered

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

KIND = "simclr"
PROJECTED = 128


def train_simclr(
    asked: Asked,
    out: Path,
    device: Device = Device(),  # noqa: B008 (frozen)
    watch: Watch = unwatched,
    *,
    temperature: float = 0.5,
    restart: bool = False,
) -> dict[str, Any]:
    """As `train_views`."""
    checked("--temperature", temperature, 0.01, 10)

    def pair(side: int) -> tuple[View, View]:
        view = asked.view(0.5 if side >= SHARP else 0.0)
        return view, view

    def network(backbone: Backbone) -> Module:
        return simclr(backbone, temperature)

    return train_views(KIND, asked, {"temperature": temperature}, pair, network, out, device, watch, restart=restart)


def simclr(backbone: Backbone, temperature: float) -> Module:
    """From pixels and the numbers of two views to the loss."""
    from torch import cat, nn

    class SimCLR(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = backbone.module
            self.head = two_layers(backbone.dim, backbone.dim, PROJECTED)

        def forward(self, pixels: Tensor, one: Tensor, other: Tensor) -> Tensor:
            views = cat([augmented(pixels, one), augmented(pixels, other)])
            a, b = self.head(self.encoder(backbone.normalised(views))).chunk(2)
            return nt_xent(gathered(a), gathered(b), temperature)

    return SimCLR()
