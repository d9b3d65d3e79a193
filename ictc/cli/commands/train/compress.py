"""`ictc train compress`: vectors of any embedder made into fewer numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from ictc.cli import lane_options as lane_
from ictc.cli import options as o
from ictc.cli.commands.train import options as t
from ictc.cli.console import watch

Method = Annotated[
    str,
    t.option(
        "method", "classes|pca|autoencoder",
        "What decides what is kept: the true classes, the variance, or what the vector can be made again from. "
        "pca is solved at once: epochs and rates are not for it.",
    ),
]  # fmt: skip
Dim = Annotated[int, t.option("dim", "N", "How many numbers are left.")]


def compress(
    images: o.Images,
    truth: t.Truth = None,
    embedder: lane_.Embedder = "lite0",
    method: Method = "classes",
    dim: Dim = 128,
    train_share: t.Share = 0.7,
    per_class: t.PerClass = None,
    epochs: t.Epochs = 20,
    batch_size: t.BatchSize = 32,
    lr: t.Rate = 1e-3,
    weight_decay: t.Decay = 0.0,
    schedule: t.Schedule = "constant",
    seed: t.Seed = 782,
    device: t.DeviceName = None,
    precision: t.Precision = "auto",
    run: t.Run = None,
    output: t.Output = Path("compress"),
    restart: t.Restart = False,
    json_output: o.Json = False,
) -> None:
    """Make the vectors of IMAGES into fewer numbers that keep what matters.

    By default what tells the true classes apart: a layer to --dim numbers, which are the embedding, and one from there
    to the classes, Adam. pca and autoencoder need no classes.
    """
    from ictc.training.compress import Asked, train_compress
    from ictc.training.loop import Device
    from ictc.training.recipe import Recipe

    recipe = Recipe(epochs, batch_size, lr, weight_decay, schedule, seed=seed)
    asked = Asked(images, truth, embedder, method, dim, recipe, train_share, per_class, run)
    done = train_compress(asked, output, Device(device, precision), watch, restart=restart)
    t.told(output, done, images, json_output, share=train_share)
