"""`ictc train captioner`: BLIP tuned to say the classes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from ictc.cli import options as o
from ictc.cli.commands.train import options as t
from ictc.cli.console import watch
from ictc.text import command_line

Base = Annotated[str, t.option("base", "REPO_OR_DIR", "A BLIP that captions.")]
Template = Annotated[str, t.option("template", "TEXT", "Of the captions; {class} is where the class goes.")]
Accumulate = Annotated[int, t.option("accumulate", "N", "So many batches make a step.", panel=t.HOW)]
Rate = Annotated[float, t.option("lr", "RATE", "The learning rate of AdamW, which falls to 0.", panel=t.HOW)]
Decay = Annotated[float, t.option("weight-decay", "W", "Of AdamW.", panel=t.HOW)]


def captioner(
    images: o.Images,
    truth: t.Truth = None,
    base: Base = "Salesforce/blip-image-captioning-base",
    template: Template = "This is an image of {class}",
    train_share: t.Share = 0.7,
    per_class: t.PerClass = None,
    epochs: t.Epochs = 5,
    batch_size: t.BatchSize = 4,
    accumulate: Accumulate = 2,
    lr: Rate = 5e-5,
    weight_decay: Decay = 0.0,
    seed: t.Seed = 782,
    device: t.DeviceName = None,
    precision: t.Precision = "auto",
    output: t.Output = Path("captioner"),
    restart: t.Restart = False,
    json_output: o.Json = False,
) -> None:
    """Tune BLIP to say the classes of IMAGES, in captions made of a template.

    AdamW, its rate falling to 0; float16 on a GPU. Afterwards hf:OUT describes images, and trained:OUT embeds them by
    their captions. Interrupted, the same command goes on, with the same result.
    """
    from ictc.training.captioner import Asked, train_captioner
    from ictc.training.loop import Device
    from ictc.training.recipe import Recipe

    recipe = Recipe(epochs, batch_size, lr, weight_decay, seed=seed)
    asked = Asked(images, truth, base, template, recipe, accumulate, train_share, per_class)
    done = train_captioner(asked, output, Device(device, precision), watch, restart=restart)
    also = command_line("run", images, "-c", "CRITERION", "--describer", f"hf:{output}")
    t.told(output, done, images, json_output, also, share=train_share)
