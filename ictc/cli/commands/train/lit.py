"""`ictc train lit`: texts tuned to a space of images that stays as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from ictc.cli import lane_options as lane_
from ictc.cli import options as o
from ictc.cli.commands.train import options as t
from ictc.cli.console import watch

Texts = Annotated[
    str,
    t.option(
        "texts", "labels|FILE[:COLUMN]",
        "Where the images' texts stand: the classes of --truth in templates, or a CSV, TSV or JSONL with the columns "
        "image and text, such as a run's step1_result.jsonl.",
    ),
]  # fmt: skip
Template = Annotated[
    list[str] | None,
    t.option("template", "TEXT", r"How a class is said; may be repeated. \[default: a photo of a {class}]"),
]
Layers = Annotated[int, t.option("layers", "N", "How many of the text tower's last layers are tuned.")]


def lit(
    images: o.Images,
    truth: t.Truth = None,
    texts: Texts = "labels",
    template: Template = None,
    embedder: lane_.Embedder = "lite0",
    layers: Layers = 2,
    train_share: t.Share = 0.7,
    per_class: t.PerClass = None,
    epochs: t.Epochs = 20,
    batch_size: t.BatchSize = 64,
    lr: t.Rate = 3e-4,
    weight_decay: t.Decay = 0.0,
    schedule: t.Schedule = "cosine",
    seed: t.Seed = 782,
    device: t.DeviceName = None,
    precision: t.Precision = "auto",
    run: t.Run = None,
    output: t.Output = Path("lit"),
    restart: t.Restart = False,
    json_output: o.Json = False,
) -> None:
    """Tune a text tower to images that stay where they are: locked-image tuning, on pairs of images and texts.

    Vectors of IMAGES by --embedder are made once. Of clip:FOLDER its own text tower is tuned, and OUT/clip is such a
    folder again; any other embedder of images gets the embedded MiniLM.
    """
    from ictc.training.lit import RECIPE, Asked, train_lit
    from ictc.training.loop import Device
    from ictc.training.pairs import TEMPLATE
    from ictc.training.recipe import Recipe

    recipe = Recipe(epochs, batch_size, lr, weight_decay, schedule, RECIPE.warmup, seed)
    templates = tuple(template or [TEMPLATE])
    asked = Asked(images, truth, texts, templates, embedder, layers, recipe, train_share, per_class, run)
    done = train_lit(asked, output, Device(device, precision), watch, restart=restart)
    t.told(output, done, images, json_output, share=train_share)
