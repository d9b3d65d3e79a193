"""What a trained captioner says of images, by its sentence embeddings: `trained:OUT` is `described:hf:OUT`."""

from __future__ import annotations

from ictc.embedders import described
from ictc.models.trained import TrainedFolder
from ictc.registry import EmbedderContext


def create(found: TrainedFolder, context: EmbedderContext) -> described.Described:
    """Weights are loaded when first needed."""
    return described.create(f"hf:{found.folder}", context)
