"""From a spec to an embedder of images over a run's store."""

from __future__ import annotations

from ictc.embed.cached import CachedEmbedder
from ictc.embed.images import CachedImages
from ictc.errors import SpecError
from ictc.interfaces import ImageEmbedder
from ictc.modeloptions import ModelOptions
from ictc.models.minilm import MiniLM
from ictc.registry import EmbedderContext, embedder
from ictc.store import Store


def open_images(spec: str, store: Store, options: ModelOptions, *, recompute: bool = False) -> CachedImages:
    """The embedder of images that `spec` names, behind `store`. With `recompute` it sees an empty store itself, so that
    nothing that it keeps there beside its vectors is taken for new.

    Raises:
        SpecError: the spec names nothing that is installed, it cannot be used, or it embeds texts alone.
        MissingExtra: it needs a package that is not installed.
    """
    own = Store(None) if recompute else store
    made = embedder(spec, EmbedderContext(own, CachedEmbedder(MiniLM(), store), options))
    if not isinstance(made, ImageEmbedder):
        raise SpecError(
            f"{spec} embeds texts, not images.", "Choose another: --embedder offline, --embedder clip:FOLDER"
        )
    return CachedImages(made, store, recompute=recompute)
