"""From a spec to an embedder over a run's store."""

from __future__ import annotations

from ictc.embed.cached import CachedEmbedder
from ictc.embed.images import CachedImages
from ictc.errors import SpecError
from ictc.interfaces import ImageEmbedder
from ictc.modeloptions import ModelOptions
from ictc.models.minilm import MiniLM
from ictc.registry import EmbedderContext, embedder
from ictc.store import Store


def open_embedder(
    spec: str, store: Store, options: ModelOptions, *, recompute: bool = False
) -> CachedImages | CachedEmbedder:
    """The embedder that `spec` names, behind `store`: of images where it embeds any, else of texts alone. With
    `recompute` it sees an empty store itself, so that nothing that it keeps there beside its vectors (features of the
    network, sentences) is taken for new.

    Raises:
        SpecError: the spec names nothing that is installed, or it cannot be used.
        MissingExtra: it needs a package that is not installed.
    """
    own = Store(None) if recompute else store
    made = embedder(spec, EmbedderContext(own, CachedEmbedder(MiniLM(), own), options))
    if isinstance(made, ImageEmbedder):
        return CachedImages(made, store, recompute=recompute)
    return CachedEmbedder(made, store, recompute=recompute)


def open_images(spec: str, store: Store, options: ModelOptions, *, recompute: bool = False) -> CachedImages:
    """As `open_embedder`, for images.

    Raises:
        SpecError: it embeds texts alone, too. MissingExtra: it needs a package that is not installed.
    """
    found = open_embedder(spec, store, options, recompute=recompute)
    if not isinstance(found, CachedImages):
        raise SpecError(
            f"{spec} embeds texts, not images.", "Choose another: --embedder offline, --embedder clip:FOLDER"
        )
    return found
