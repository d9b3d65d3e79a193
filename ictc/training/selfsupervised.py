"""What the trainings without labels share: two random views of each image, a network that compares them, its encoder.

Whole images are read and no class is: `truth` only decides that a share is taken of each class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ictc.errors import InputError, UsageError
from ictc.models.backbones.backbone import Backbone
from ictc.models.backbones.opening import ENCODER, open_backbone
from ictc.progress import Watch, unwatched
from ictc.training.augment import View, drawn
from ictc.training.curve import of_epochs
from ictc.training.folder import TrainingFolder
from ictc.training.labelled import given
from ictc.training.loop import Device, Index, fit, meet
from ictc.training.pictures import Pictures
from ictc.training.recipe import Recipe
from ictc.training.settling import place_of, placed, settle

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

RECIPE = Recipe(epochs=100, batch_size=64, lr=3e-3, weight_decay=1e-6, schedule="cosine", warmup=0.1)
"""For hundreds to thousands of images: with the published batches there would be a step or two an epoch. For many
images larger batches give SimCLR more to compare with."""
SHARP = 64
"""Pixels of a side, from which on views are blurred: smaller pictures are blurred as they are, and Chen et al. leave it
out on CIFAR-10 (appendix B.9)."""
COLLAPSED = 0.02
"""Of `spread`."""
_AT_ONCE = 64


@dataclass(frozen=True)
class Asked:
    """`side`: of the pixels that the network is given, None for its own. `scratch`: begin with random weights, which
    `small` always does. `crop`, `jitter` and `blur` are of `View`; `blur` None: as the kind has it on such pictures."""

    images: str
    truth: str | None = None
    base: str = "small"
    recipe: Recipe = RECIPE
    share: float = 1.0
    side: int | None = None
    scratch: bool = False
    crop: float = 0.2
    jitter: float = 0.5
    blur: float | None = None

    def view(self, blur: float) -> View:
        """`blur` where none was asked."""
        return View(self.crop, self.jitter, blur if self.blur is None else self.blur)


def train_views(
    kind: str,
    asked: Asked,
    own: Mapping[str, Any],
    pair: Callable[[int], tuple[View, View]],
    network: Callable[[Backbone], Module],
    out: Path,
    device: Device = Device(),  # noqa: B008 (frozen)
    watch: Watch = unwatched,
    *,
    restart: bool = False,
) -> dict[str, Any]:
    """Gives what trained.json says. `own`: what this kind of training has been asked besides. `pair`: how the two views
    of an image are drawn, by the side of the pictures. `network`: around the backbone, which it has as `encoder`; from
    (pixels uint8, the numbers of one view, of the other) to the loss.

    Raises:
        InputError: images or truth. UsageError: what was asked cannot be, or `out` holds something else.
        SpecError, MissingExtra: the base. StepError: memory, or a loss that is not finite.
    """
    import torch

    asked.recipe.check()
    asked.view(0).check()
    source = given(asked.images, asked.truth, asked.recipe.seed, share=asked.share, per_class=None)
    torch.manual_seed(asked.recipe.seed)
    backbone = open_backbone(asked.base, asked.side, pretrained=not asked.scratch)
    source = source.untested(backbone.seen)
    views = pair(backbone.side)
    wanted = {
        "base": asked.base,
        "weights": backbone.weights or "random",
        "views": [asdict(view) for view in views],
        **own,
        **asked.recipe.to_json(),
        "side": backbone.side,
        **source.asked,
    }
    folder = TrainingFolder(out, kind, wanted, restart=restart)
    with folder.open(partial(meet, device)):
        if (done := folder.finished()) is not None:
            return done
        pictures = Pictures(source.training, backbone.side, watch)
        if len(pictures.items) < 2:
            raise InputError(
                "There is one image to train on: it cannot be told from others.",
                "Give more images" + (", or a larger --train-share." if asked.share < 1 else "."),
            )
        made = network(backbone)

        def batch(numbers: Index, draw: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
            rows = [torch.from_numpy(drawn(len(numbers), backbone.side, view, draw)) for view in views]
            return pictures.pixels(numbers), rows[0], rows[1]

        losses = fit(made, batch, len(pictures.items), asked.recipe, folder, device, watch, least=2)
        encoder = backbone.module

        def plain() -> Iterator[Tensor]:
            return map(backbone.normalised, pictures.batches(_AT_ONCE))

        with placed(encoder, device):
            settle(encoder, plain())
            spread_out = _spread(encoder, plain())
        facts = {
            "images": len(pictures.items),
            "loss": of_epochs(losses)[-1][1],
            **spread_out,
        }
        return folder.finish(
            made={"encoder": dict(backbone.made), "dim": backbone.dim},
            facts=facts,
            losses=losses,
            seen=backbone.seen | {i.sha256 for i in pictures.items},
            parts=source.rows,
            failures=[*source.failures, *pictures.failures],
            weights={f"{ENCODER}{name}": one for name, one in encoder.state_dict().items()},
        )


def spread(rows: Tensor) -> float:
    """How far unit vectors differ: the mean of their dimensions' standard deviations times the root of the number of
    dimensions. 1 where they point everywhere, 0 where all are one (Chen and He, CVPR 2021, section 4.1)."""
    from torch.nn.functional import normalize

    unit = normalize(rows.double(), dim=1)
    return float(unit.std(0, correction=0).mean() * unit.shape[1] ** 0.5)


def _spread(encoder: Module, batches: Iterator[Tensor]) -> dict[str, Any]:
    import torch

    with torch.inference_mode():
        found = spread(torch.cat([encoder(batch.to(place_of(encoder))).cpu() for batch in batches]))
    told: dict[str, Any] = {"spread": round(found, 4)}
    if not found >= COLLAPSED:
        told["warning"] = (
            f"The features hardly differ from image to image (spread {found:.2g}; 1 is the most): the training has "
            "collapsed, or the images are all alike. Try more different images, a smaller --lr, or more --epochs."
        )
    return told


def two_layers(into: int, hidden: int, out: int) -> Module:
    """Linear, batch normalisation, ReLU, linear: what stands on top of an encoder while it is trained."""
    from torch import nn

    return nn.Sequential(
        nn.Linear(into, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True), nn.Linear(hidden, out)
    )


def checked(name: str, value: float, least: float, most: float) -> None:
    """Raises UsageError: it is not from `least` to `most`."""
    if not least <= value <= most:
        raise UsageError(f"{name} is {value}.", f"Give a number from {least:g} to {most:g}.")
