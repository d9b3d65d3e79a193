"""What encoders of images see, mapped into a space of images and texts: by a linear map that is learned.

The image vectors of the joint space (CLIP's, say) are predicted from the encoders' features (standardised; of several
encoders side by side) by ridge regression, in closed form. Its strength is the one that predicts each image best from
all others (leave-one-out; Golub, Heath and Wahba, Technometrics 1979). No class is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ictc.embed.beside import store_beside
from ictc.embed.images import CachedImages
from ictc.embedders.opening import open_images
from ictc.embedders.trained.mapped import Matrix
from ictc.errors import InputError, SpecError, UsageError
from ictc.modeloptions import ModelOptions
from ictc.models.backbones.opening import ENCODER, open_trained
from ictc.models.trained import TrainedFolder, read_trained
from ictc.progress import Watch, unwatched
from ictc.reasoners.spherical import unit
from ictc.store import Store
from ictc.training.folder import TrainingFolder
from ictc.training.labelled import Given, given
from ictc.training.split import LEFT, TEST
from ictc.training.vectors import placed
from ictc.types import Failure, Item

if TYPE_CHECKING:
    from torch import Tensor

KIND = "map"
STRENGTHS = np.logspace(4, -6, 41)
"""Of the ridge, in units of an image's share of the features' variance; from the strongest on."""
NOTHING = 0.01
"""Of the variance: the best of so many strengths tells as much of noise."""
_TRAINED = "trained:"


@dataclass(frozen=True)
class Asked:
    """`encoders`: specs trained:FOLDER. `to`: of an embedder of images and texts. `weight`: how much of a vector is
    mapped, the rest being the joint space's own vector of the image."""

    images: str
    encoders: Sequence[str]
    to: str = "offline"
    weight: float = 1.0
    truth: str | None = None
    share: float = 1.0
    seed: int = 782

    def check(self) -> None:
        """Raises UsageError: a number or spec that cannot be."""
        if not 0 < self.weight <= 1:
            raise UsageError(f"--weight is {self.weight}.", "Give a number above 0 and up to 1: 1 for the map alone.")
        if not self.encoders:
            raise UsageError("There is no encoder to map from.", "Add: --from trained:FOLDER")
        if wrong := [
            spec for spec in self.encoders if not spec.removeprefix(_TRAINED) or not spec.startswith(_TRAINED)
        ]:
            raise SpecError(
                f"--from {wrong[0]} was not trained here.", "Train one: ictc train simclr; then: --from trained:FOLDER"
            )


def train_map(
    asked: Asked, out: Path, device: str | None = None, watch: Watch = unwatched, *, restart: bool = False
) -> dict[str, Any]:
    """Gives what trained.json says. `facts`, all of images that were left out one by one: which share of the joint
    vectors' `variance` is told (below 0: worse than their mean), and `cosine`, the mean of mapped with joint vectors.

    Raises:
        InputError: images or truth. UsageError: what was asked cannot be, or `out` holds something else.
        SpecError, MissingExtra: an encoder, or the joint space.
    """
    asked.check()
    founds = [_encoder(spec) for spec in asked.encoders]
    source = given(asked.images, asked.truth, asked.seed, share=asked.share, per_class=None)
    to, options = placed(asked.to), ModelOptions(device=device)
    target = open_images(to, Store(None), options)
    if not target.joint:
        raise SpecError(
            f"--to {asked.to} embeds images alone: there are no texts to map to.",
            "Give an embedder of both: --to offline, --to clip:FOLDER",
        )
    wanted = {
        "from": [found.digest for found in founds],
        "to": to,
        "space": target.fingerprint,
        "weight": asked.weight,
        "seed": asked.seed,
        **source.asked,
    }
    folder = TrainingFolder(out, KIND, wanted, restart=restart, inputs=(*asked.encoders, asked.to))
    with folder.open():
        if (done := folder.finished()) is not None:
            return done
        with store_beside(out) as store:
            embedders = [open_images(spec, store, options) for spec in (*asked.encoders, to)]
            items, rows, failed = _embedded(source, embedders, watch)
        features, joint = np.hstack(rows[:-1]), rows[-1]
        fitted = fit_ridge(features, joint)
        facts: dict[str, Any] = {
            "images": len(items),
            "width": features.shape[1],
            "dim": joint.shape[1],
            "ridge": float(f"{fitted.strength:.6g}"),
            "variance": round(fitted.explained, 4),
            "cosine": round(fitted.cosine, 4),
        }
        if not fitted.explained > NOTHING:
            facts["warning"] = (
                f"The encoders' features do not tell where images lie in the space of {asked.to}: mapped vectors are "
                "no better than the mean of all. Train on more images, or another encoder."
            )
        parts = {item.name: source.parts[item.name] for item in source.items} | dict.fromkeys(
            (f.image for f in failed), LEFT
        )
        seen = frozenset().union(*(found.seen for found in founds), *(e.seen for e in embedders))
        return folder.finish(
            made={
                "base": to,
                "fingerprint": target.fingerprint,
                "encoders": [found.made["encoder"] for found in founds],
                "weight": asked.weight,
                "dim": joint.shape[1],
            },
            facts=facts,
            losses=(),
            seen=seen | {item.sha256 for item in items},
            parts=[(i.name, i.sha256, _part(i, parts, seen)) for i in source.items],
            weights=_weights(founds, fitted),
            failures=[*source.failures, *failed],
        )


@dataclass(frozen=True)
class Ridge:
    """mapped = (features - mean) / scale @ weight + bias"""

    mean: Matrix
    scale: Matrix
    weight: Matrix
    bias: Matrix
    strength: float
    explained: float
    cosine: float


def fit_ridge(features: Matrix, joint: Matrix) -> Ridge:
    """Of [n, d] to [n, e]; features that do not vary count for nothing. On one thread, for the same bits always."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        mean, deviation = features.mean(axis=0), features.std(axis=0)
        scale = np.where(deviation > 1e-6 * np.abs(mean) + 1e-12, deviation, np.inf)
        bias = joint.mean(axis=0)
        left, values, right = np.linalg.svd((features - mean) / scale, full_matrices=False)
        less = joint - bias
        along = left.T @ less
        best, chosen, predicted = np.inf, 0.0, np.zeros_like(joint)
        for strength in STRENGTHS * len(features):
            shrunk = values**2 / (values**2 + strength)
            apart = 1 - 1 / len(features) - left**2 @ shrunk
            missed = (less - left * shrunk @ along) / np.maximum(apart, 1e-10)[:, None]
            if (error := float((missed**2).sum())) < best:
                best, chosen, predicted = error, float(strength), joint - missed
        weight = right.T * (values / (values**2 + chosen)) @ along
    alone = float((less**2).sum()) * (len(joint) / max(1, len(joint) - 1)) ** 2  # of the mean of all others
    likeness = (unit(predicted) * unit(joint)).sum(axis=1).mean()
    explained = 1 - best / alone if alone > 0 else 0.0
    return Ridge(mean, scale, weight, bias, chosen / len(features), explained, float(likeness))


def _encoder(spec: str) -> TrainedFolder:
    found = read_trained(Path(spec.removeprefix(_TRAINED)))
    if not found.made.get("encoder"):
        raise SpecError(
            f"{found.spec} ({found.kind}) has no network of images of its own.",
            "Give one of: ictc train classifier, simclr, byol.",
        )
    return found


def _embedded(
    source: Given, embedders: Sequence[CachedImages], watch: Watch
) -> tuple[list[Item], list[Matrix], list[Failure]]:
    """The images to train on that all have a vector of, equal ones once; their vectors by embedder; who failed."""
    items = list({item.sha256 or item.name: item for item in source.training}.values())
    with watch("embed", len(items) * len(embedders)) as tick:
        found = [embedder.embed_images(items, tick) for embedder in embedders]
    wrong = [next((f for f in each if isinstance(f, Failure)), None) for each in zip(*found, strict=True)]
    failed = [failure for failure in wrong if failure]
    kept = [i for i, failure in enumerate(wrong) if failure is None]
    if len(kept) < 2:
        first = next((f.message for f in wrong if f), "it cannot be told how it differs from others.")
        raise InputError(f"{len(kept)} of {len(items)} images can be trained on: {first}", "Give more images.")
    rows = [np.array([each[i] for i in kept], np.float64) for each in found]
    return [items[i] for i in kept], rows, failed


def _part(item: Item, parts: dict[str, str], seen: frozenset[str]) -> str:
    """What an encoder was trained on is not held apart."""
    part = parts[item.name]
    return LEFT if part == TEST and item.sha256 in seen else part


def _weights(founds: Sequence[TrainedFolder], fitted: Ridge) -> dict[str, Tensor]:
    import torch

    weights: dict[str, Tensor] = {}
    for number, found in enumerate(founds):
        own = open_trained(found.folder).module.state_dict()
        weights |= {f"{ENCODER}{number}.{name}": one for name, one in own.items()}
    for name in ("mean", "scale", "weight", "bias"):
        weights[f"map.{name}"] = torch.from_numpy(np.ascontiguousarray(getattr(fitted, name)))
    return weights
