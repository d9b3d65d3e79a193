"""`trained:FOLDER`: what `ictc train` left in a folder, one kind a file."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from ictc.errors import SpecError
from ictc.interfaces import Embedder, ImageEmbedder, JointEmbedder
from ictc.models.trained import TrainedFolder, read_trained
from ictc.registry import EmbedderContext

_ROOMS = {
    "classifier": "encoder",
    "simclr": "encoder",
    "byol": "encoder",
    "compress": "compressed",
    "pca": "compressed",
    "autoencoder": "compressed",
    "lit": "lit",
    "map": "mapped",
    "captioner": "captioner",
}
"""By kind the module here; each has `create(found, context)`."""


def create(argument: str, context: EmbedderContext) -> JointEmbedder | ImageEmbedder | Embedder:
    """The entry point `trained`. Weights are loaded when first needed.

    Raises:
        SpecError: nothing was trained there, or it was not finished.
    """
    if not argument:
        raise SpecError("'trained:' names no folder.", "Type trained:FOLDER, the folder that `ictc train` was given.")
    found = read_trained(Path(argument))
    if found.kind not in _ROOMS:
        raise SpecError(f"{found.spec} is of the kind '{found.kind}', unknown to this version of ictc.", "Update ictc.")
    room = import_module(f"{__name__}.{_ROOMS[found.kind]}")
    make: Callable[[TrainedFolder, EmbedderContext], JointEmbedder | ImageEmbedder | Embedder] = room.create
    return make(found, context)
