"""`ictc train map`: trained encoders into a space of images and texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from ictc.cli import options as o
from ictc.cli.commands.train import options as t
from ictc.cli.console import watch


def map_(
    images: o.Images,
    encoders: Annotated[
        list[str],
        t.option(
            "from", "trained:FOLDER", "An encoder that was trained here; several side by side.", "--from", "--and"
        ),
    ],
    to: Annotated[
        str, t.option("to-space", "SPEC", "The embedder of images and texts to map into.", "--to")
    ] = "offline",
    weight: Annotated[
        float,
        t.option("weight", "W", "How much of an image's vector is mapped; the rest is its own in the space of --to."),
    ] = 1.0,
    truth: t.Unlabelled = None,
    train_share: t.Share = 1.0,
    seed: t.Seed = 782,
    device: t.DeviceName = None,
    output: t.Output = Path("map"),
    restart: t.Restart = False,
    json_output: o.Json = False,
) -> None:
    """Learn where encoders' features lie in a space of images and texts, from IMAGES alone; then prompts work on them.

    Ridge regression, solved at once; its strength is the one that predicts each image best from all others.
    """
    from ictc.training.mapping import Asked, train_map

    asked = Asked(images, encoders, to, weight, truth, train_share, seed)
    t.told(output, train_map(asked, output, device, watch, restart=restart), images, json_output, share=train_share)
