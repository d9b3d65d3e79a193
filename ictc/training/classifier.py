"""A network of images tuned to tell classes apart; what it sees before it decides are the features.

Transfer learning as of Yosinski et al. (NeurIPS 2014): all layers of a pretrained network and a new linear one on top,
cross-entropy (in nats), Adam (Kingma and Ba, ICLR 2015), images mirrored at random. A published network keeps the
averages of its batch normalisation: those of small batches would destroy what it knows before it learns anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ictc.errors import UsageError
from ictc.models.backbones.backbone import Backbone
from ictc.models.backbones.opening import ENCODER, open_backbone
from ictc.progress import Watch, unwatched
from ictc.training.folder import TrainingFolder
from ictc.training.labelled import Given, given
from ictc.training.loop import Device, Index, fit, meet
from ictc.training.pictures import Pictures, as_floats, flipped
from ictc.training.recipe import Recipe
from ictc.training.settling import keep_averages, place_of, placed, settle
from ictc.training.split import TEST
from ictc.types import Failure

if TYPE_CHECKING:
    from torch import Tensor

KIND = "classifier"
RECIPE = Recipe(epochs=15, batch_size=32, lr=1e-4)
_HEAD = "head."
_AT_ONCE = 64


@dataclass(frozen=True)
class Asked:
    """`side`: of the pixels that the network is given, None for its own. `scratch`: begin with random weights."""

    images: str
    truth: str | None
    base: str = "lite0"
    recipe: Recipe = RECIPE
    share: float = 0.7
    per_class: int | None = None
    side: int | None = None
    scratch: bool = False
    flip: bool = True


def train_classifier(
    asked: Asked,
    out: Path,
    device: Device = Device(),  # noqa: B008 (frozen)
    watch: Watch = unwatched,
    *,
    restart: bool = False,
) -> dict[str, Any]:
    """Gives what trained.json says; `facts` has the accuracy on the images held apart, null where there are none.

    Raises:
        InputError: images, truth or split. UsageError: what was asked cannot be, or `out` holds something else.
        SpecError, MissingExtra: the base. StepError: memory, or a loss that is not finite.
    """
    import torch

    asked.recipe.check()
    source = given(
        asked.images, asked.truth, asked.recipe.seed, share=asked.share, per_class=asked.per_class, needs="A classifier"
    )
    torch.manual_seed(asked.recipe.seed)
    backbone = open_backbone(asked.base, asked.side, pretrained=not asked.scratch)
    source = source.untested(backbone.seen)
    assert source.classes is not None
    wanted = {
        "base": asked.base,
        "weights": backbone.weights or "random",
        "flip": asked.flip,
        "averages": "kept" if backbone.weights else "learned",
        **asked.recipe.to_json(),
        "side": backbone.side,
        **source.asked,
    }
    folder = TrainingFolder(out, KIND, wanted, restart=restart)
    with folder.open(partial(meet, device)):
        if (done := folder.finished()) is not None:
            return done
        pictures = Pictures(source.training, backbone.side, watch)
        classes = sorted({source.classes[i.name] for i in pictures.items})
        if len(classes) < 2:
            raise UsageError("Fewer than two classes are left to train on.", "Look at the images that cannot be read.")
        targets = np.array([classes.index(source.classes[i.name]) for i in pictures.items])
        network = _network(backbone, len(classes))

        def batch(numbers: Index, draw: np.random.Generator) -> tuple[Tensor, Tensor]:
            pixels = as_floats(pictures.pixels(numbers))
            pixels = flipped(pixels, draw) if asked.flip else pixels
            return backbone.normalised(pixels), torch.from_numpy(targets[numbers])

        losses = fit(network, batch, len(pictures.items), asked.recipe, folder, device, watch, least=2)
        with placed(network, device):
            if not backbone.weights:
                settle(network.encoder, map(backbone.normalised, pictures.batches(_AT_ONCE)))
            tested, failed = _tested(network, backbone, source, classes, watch)
        facts = {
            "images": len(pictures.items),
            "loss": losses[-1][2],
            "classes": classes,
            **tested,
        }
        weights = _weights(network)
        made = {"encoder": dict(backbone.made), "dim": backbone.dim, "classes": classes}
        seen = backbone.seen | {i.sha256 for i in pictures.items}
        return folder.finish(
            made=made,
            facts=facts,
            losses=losses,
            seen=seen,
            parts=source.rows,
            weights=weights,
            failures=[*source.failures, *pictures.failures, *failed],
        )


def _network(backbone: Backbone, classes: int) -> Any:
    from torch import nn
    from torch.nn.functional import cross_entropy

    class Classifier(nn.Module):
        """From pixels and classes to the loss."""

        def __init__(self) -> None:
            super().__init__()
            self.encoder = backbone.module
            self.head = nn.Linear(backbone.dim, classes)

        def train(self, mode: bool = True) -> Self:
            super().train(mode)
            if backbone.weights:
                keep_averages(self.encoder)
            return self

        def forward(self, pixels: Tensor, targets: Tensor) -> Tensor:
            return cross_entropy(self.head(self.encoder(pixels)).float(), targets)

    return Classifier()


def _weights(network: Any) -> Mapping[str, Tensor]:
    encoder = {f"{ENCODER}{name}": one for name, one in network.encoder.state_dict().items()}
    return encoder | {f"{_HEAD}{name}": one for name, one in network.head.state_dict().items()}


def _tested(
    network: Any, backbone: Backbone, source: Given, classes: list[str], watch: Watch
) -> tuple[dict[str, Any], list[Failure]]:
    """How many of the images held apart it tells the class of; by the head, so of classes that were trained. And those
    that cannot be read."""
    import torch

    apart = source.of(TEST)
    if not apart:
        return {"tested": 0, "accuracy": None}, []
    assert source.classes is not None
    pictures = Pictures(apart, backbone.side, watch)
    found: list[int] = []
    with torch.inference_mode():
        for pixels in pictures.batches(_AT_ONCE):
            found += network.head(network.encoder(backbone.normalised(pixels.to(place_of(network))))).argmax(1).tolist()
    right = sum(classes[f] == source.classes[i.name] for f, i in zip(found, pictures.items, strict=True))
    told = {"tested": len(pictures.items), "accuracy": round(right / len(pictures.items), 4)}
    return told, pictures.failures
