"""`ictc train classifier`: a network of images tuned to tell classes apart."""

from __future__ import annotations

from pathlib import Path

from ictc.cli import options as o
from ictc.cli.commands.train import options as t
from ictc.cli.console import watch


def classifier(
    images: o.Images,
    truth: t.Truth = None,
    base: t.Base = "lite0",
    scratch: t.Scratch = False,
    side: t.Side = None,
    train_share: t.Share = 0.7,
    per_class: t.PerClass = None,
    epochs: t.Epochs = 15,
    batch_size: t.BatchSize = 32,
    lr: t.Rate = 1e-4,
    weight_decay: t.Decay = 0.0,
    schedule: t.Schedule = "constant",
    seed: t.Seed = 782,
    device: t.DeviceName = None,
    precision: t.Precision = "auto",
    output: t.Output = Path("classifier"),
    restart: t.Restart = False,
    json_output: o.Json = False,
) -> None:
    """Tune a network on the classes of IMAGES; its features before the classifier embed images.

    Adam, images mirrored at random. Interrupted, the same command goes on, with the same result.
    """
    from ictc.training.classifier import Asked, train_classifier
    from ictc.training.loop import Device
    from ictc.training.recipe import Recipe

    recipe = Recipe(epochs, batch_size, lr, weight_decay, schedule, seed=seed)
    asked = Asked(images, truth, base, recipe, train_share, per_class, side, scratch)
    done = train_classifier(asked, output, Device(device, precision), watch, restart=restart)
    t.told(output, done, images, json_output, share=train_share)
