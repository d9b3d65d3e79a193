"""`ictc train byol`: an encoder of images learned from images alone, by predicting a slower self."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from ictc.cli import options as o
from ictc.cli.commands.train import options as t
from ictc.cli.console import watch


def byol(
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
    tau: Annotated[
        float, t.option("tau", "TAU", "What the slower network keeps of itself at the first step; 1 at the last.")
    ] = 0.9,
    crop: t.Crop = 0.2,
    jitter: t.Jitter = 0.5,
    blur: t.Blur = None,
    solarise: Annotated[
        float, t.option("solarise", "SHARE", "Of the second views so many have bright pixels inverted.", panel=t.VIEWS)
    ] = 0.2,
    seed: t.Seed = 782,
    device: t.DeviceName = None,
    precision: t.Precision = "auto",
    output: t.Output = Path("byol"),
    restart: t.Restart = False,
    json_output: o.Json = False,
) -> None:
    """Learn to see from IMAGES alone (BYOL): predict from one view what a slower self makes of the other.

    No class is read, no image compared with others. Interrupted, the same command goes on, with the same result.
    """
    from ictc.training.byol import train_byol
    from ictc.training.loop import Device
    from ictc.training.recipe import Recipe
    from ictc.training.selfsupervised import RECIPE, Asked

    recipe = Recipe(epochs, batch_size, lr, weight_decay, schedule, RECIPE.warmup, seed)
    asked = Asked(images, truth, base, recipe, train_share, side, scratch, crop, jitter, blur)
    place = Device(device, precision)
    done = train_byol(asked, output, place, watch, tau=tau, solarise=solarise, restart=restart)
    t.told(output, done, images, json_output, share=train_share)
