"""Vectors of any embedder made into fewer numbers: by what tells classes apart, or without classes.

`classes`: a linear layer d -> dim, ReLU, a linear layer dim -> classes; cross-entropy in nats. `autoencoder`: the same
with d in place of the classes, mean squared error (Hinton and Salakhutdinov, Science 2006). Both see each number less
its mean and over its deviation on the training images, so that the learning rate means the same whatever the embedder.
`pca`: the directions of most variance, of centred vectors, solved at once.

The embedding is what comes out of the ReLU: what lies below zero before it has never reached the loss, so nothing has
shaped it. Without the ReLU the two layers would be one linear map of low rank, the autoencoder's that of PCA (Baldi and
Hornik, Neural Networks 1989).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ictc.errors import InputError, UsageError
from ictc.interfaces import Vectors
from ictc.lane.rows import distinct
from ictc.progress import Watch, unwatched
from ictc.training.folder import TrainingFolder
from ictc.training.labelled import given
from ictc.training.loop import Device, Index, fit, meet
from ictc.training.recipe import Recipe
from ictc.training.vectors import CRITERION, Embedded, embedded, opened, placed, spread

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

CLASSES, PCA, AUTOENCODER = "classes", "pca", "autoencoder"
KINDS = {CLASSES: "compress", PCA: PCA, AUTOENCODER: AUTOENCODER}
"""What trained.json calls each method."""
RECIPE = Recipe(epochs=20, batch_size=32, lr=1e-3)
DIM = 128


@dataclass(frozen=True)
class Asked:
    """`run`: a run whose store has the vectors, or gets them."""

    images: str
    truth: str | None
    embedder: str = "lite0"
    method: str = CLASSES
    dim: int = DIM
    recipe: Recipe = RECIPE
    share: float = 0.7
    per_class: int | None = None
    run: Path | None = None

    def check(self) -> None:
        """Raises UsageError: there is no such method, or a number that cannot be."""
        self.recipe.check()
        if self.method not in KINDS:
            raise UsageError(f"--method {self.method}: there is none.", f"Choose one of: {', '.join(KINDS)}")
        if self.dim < 1:
            raise UsageError(f"--dim is {self.dim}.", "Give 1 or more.")


def train_compress(
    asked: Asked,
    out: Path,
    device: Device = Device(),  # noqa: B008 (frozen)
    watch: Watch = unwatched,
    *,
    restart: bool = False,
) -> dict[str, Any]:
    """Gives what trained.json says. `facts` on the images held apart: `accuracy` of classes, `error` (the mean squared
    error, 1 being that of the mean alone) of an autoencoder; of PCA `explained`, shares of the variance by direction.

    Raises:
        InputError: images, truth or split. UsageError: what was asked cannot be, or `out` holds something else.
        SpecError, MissingExtra: the embedder. StepError: memory, or a loss that is not finite.
    """
    asked.check()
    supervised = asked.method == CLASSES
    source = given(
        asked.images,
        asked.truth,
        asked.recipe.seed,
        share=asked.share,
        per_class=asked.per_class,
        needs="The method 'classes'" if supervised else "",
    )
    base = placed(asked.embedder)
    with opened(asked.embedder, asked.run, out, device.name) as embedder:
        steps = {"seed": asked.recipe.seed} if asked.method == PCA else asked.recipe.to_json()
        wanted = {"base": base, "vectors": embedder.fingerprint, "dim": asked.dim, **steps, **source.asked}
        folder = TrainingFolder(out, KINDS[asked.method], wanted, restart=restart)
        with folder.open(partial(meet, device)):
            if (done := folder.finished()) is not None:
                return done
            known = embedded(source, embedder, watch)
            _check_dim(asked, known)
            made = {
                "base": base,
                "fingerprint": embedder.fingerprint,
                "criterion": CRITERION,
                "dim": asked.dim,
            }
            facts: dict[str, Any] = {"images": len(known.trained), "width": known.dim}
            losses: list[tuple[int, int, float]] = []
            if asked.method == PCA:
                weights, explained = _principal(known.rows, asked.dim)
                facts |= {"explained": explained}
            else:
                network, target, classes = _network(asked, known, supervised)
                losses = _trained(network, target, known, asked.recipe, folder, device, watch)
                facts |= {"loss": losses[-1][2], **_tested(network, known, classes)}
                made |= {"classes": classes} if classes else {}
                weights = network.state_dict()
            parts, rectified = known.source.rows, asked.method != PCA
            return folder.finish(
                made={**made, "rectified": rectified},
                facts=facts,
                losses=losses,
                seen=known.seen,
                parts=parts,
                failures=[*source.failures, *known.failures],
                weights=weights,
            )


def principal(rows: Vectors, dim: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean [d], directions [dim, d] of most variance (the first one first, the largest number of each positive), and
    their shares of the variance [dim]."""
    from threadpoolctl import threadpool_limits

    middle = rows.mean(axis=0, dtype=np.float64)
    with threadpool_limits(1):  # else the last bits depend on the number of threads
        _, values, axes = np.linalg.svd(rows - middle, full_matrices=False)
    axes = axes[:dim] * np.sign(axes[np.arange(dim), np.abs(axes[:dim]).argmax(axis=1)])[:, None]
    variance = values**2
    return middle, axes, variance[:dim] / max(variance.sum(), 1e-300)


def _principal(rows: Vectors, dim: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    import torch

    middle, axes, shares = principal(rows, dim)
    tensors = {
        "mean": middle,
        "scale": np.ones_like(middle),
        "encoder.weight": axes,
        "encoder.bias": np.zeros(dim),
    }
    told = {"total": round(float(shares.sum()), 6), "each": [round(float(s), 6) for s in shares]}
    return {name: torch.from_numpy(one.astype(np.float32)) for name, one in tensors.items()}, told


def compressor(mean: Vectors, scale: Vectors, dim: int, outputs: int, supervised: bool) -> Module:
    """d -> dim -> outputs, from vectors and targets (classes, or nothing that is used) to the loss."""
    import torch
    from torch import nn
    from torch.nn.functional import cross_entropy, mse_loss, relu

    class Compressor(nn.Module):
        mean: Tensor
        scale: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mean", torch.from_numpy(mean))
            self.register_buffer("scale", torch.from_numpy(scale))
            self.encoder = nn.Linear(len(mean), dim)
            self.head = nn.Linear(dim, outputs)

        def decided(self, rows: Tensor) -> tuple[Tensor, Tensor]:
            """The rows standardised, and what the second layer makes of them."""
            rows = (rows - self.mean) / self.scale
            return rows, self.head(relu(self.encoder(rows)))

        def forward(self, rows: Tensor, targets: Tensor) -> Tensor:
            rows, decided = self.decided(rows)
            return cross_entropy(decided.float(), targets) if supervised else mse_loss(decided.float(), rows)

    return Compressor()


def _network(asked: Asked, known: Embedded, supervised: bool) -> tuple[Any, NDArray[np.int64], list[str]]:
    import torch

    target, classes = np.zeros(len(known.trained), np.int64), list[str]()
    if supervised:
        true = known.source.classes or {}
        classes = sorted({true[i.name] for i in known.trained})
        if len(classes) < 2:
            raise InputError("Fewer than two classes are left to train on.", "See which images have no vector.")
        target = np.array([classes.index(true[i.name]) for i in known.trained])
    torch.manual_seed(asked.recipe.seed)
    return compressor(*spread(known.rows), asked.dim, len(classes) or known.dim, supervised), target, classes


def _trained(
    network: Any,
    target: NDArray[np.int64],
    known: Embedded,
    recipe: Recipe,
    folder: TrainingFolder,
    device: Device,
    watch: Watch,
) -> list[tuple[int, int, float]]:
    import torch

    def batch(numbers: Index, _draw: np.random.Generator) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(known.rows[numbers]), torch.from_numpy(target[numbers])

    return fit(network, batch, len(known.rows), recipe, folder, device, watch)


def _tested(network: Any, known: Embedded, classes: Sequence[str]) -> dict[str, Any]:
    import torch

    measure = "accuracy" if classes else "error"
    if not len(known.apart):
        return {"tested": 0, measure: None}
    with torch.inference_mode():
        rows, decided = network.decided(torch.from_numpy(known.apart_rows))
        if not classes:
            return {"tested": len(known.apart), "error": round(float((decided - rows).square().mean()), 6)}
        found = decided.argmax(1).tolist()
    true = known.source.classes or {}
    right = sum(classes[f] == true[i.name] for f, i in zip(found, known.apart, strict=True))
    return {"tested": len(known.apart), "accuracy": round(right / len(found), 4)}


def _check_dim(asked: Asked, known: Embedded) -> None:
    """Raises UsageError: there are not so many numbers to keep."""
    if asked.dim > known.dim:
        raise UsageError(
            f"--dim {asked.dim}: the vectors of {asked.embedder} have {known.dim} numbers.",
            f"Give at most that: --dim {known.dim}",
        )
    if asked.method == PCA and (most := distinct(known.rows, asked.dim + 1) - 1) < asked.dim:
        raise UsageError(
            f"--dim {asked.dim}: {most + 1} different vectors lie in {most} directions, and no more can be found.",
            f"Train on more images, or give: --dim {most}" if most else "Train on more images.",
        )
