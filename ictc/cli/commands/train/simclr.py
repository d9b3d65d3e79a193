"""`ictc train simclr`: an encoder of images learned from images alone, by telling each from all others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from ictc.cli import options as o
from ictc.cli.commands.train import options as t
from ictc.cli.console import watch


def simclr(
    images: o.Images,
    base: t.Base = "small",
    scratch: t.Scratch = False,
    side: t.Side = None,
    truth: t.Unlabelled = None,
    train_share: t.Share = 1.0,
    epochs: t.Epochs = 100,
    batch_size: t.BatchSize = 64,
    lr: t.Rate = 3e-3,
    weight_decay: t.Decay = 1e-6,
    schedule: t.Schedule = "cosine",
    temperature: Annotated[
        float, t.option("temperature", "T", "Of the likenesses; the smaller, the more the nearest others count.")
    ] = 0.5,
    crop: t.Crop = 0.2,
    jitter: t.Jitter = 0.5,
    blur: t.Blur = None,
    seed: t.Seed = 782,
    device: t.DeviceName = None,
    precision: t.Precision = "auto",
    output: t.Output = Path("simclr"),
    restart: t.Restart = False,
    json_output: o.Json = False,
) -> None:
    """Learn to see from IMAGES alone (SimCLR): two random views of one image are to be nearer than those of others.

    No class is read. Interrupted, the same command goes on, with the same result.
    """
    from ictc.training.loop import Device
    from ictc.training.recipe import Recipe
    from ictc.training.selfsupervised import RECIPE, Asked
    from ictc.training.simclr import train_simclr

    recipe = Recipe(epochs, batch_size, lr, weight_decay, schedule, RECIPE.warmup, seed)
    asked = Asked(images, truth, base, recipe, train_share, side, scratch, crop, jitter, blur)
    place = Device(device, precision)
    done = train_simclr(asked, output, place, watch, temperature=temperature, restart=restart)
    t.told(output, done, images, json_output, share=train_share)
