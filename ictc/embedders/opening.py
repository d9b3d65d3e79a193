"""From a spec to an embedder over a run's store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ictc.embed.cached import CachedEmbedder
from ictc.embed.images import CachedImages
from ictc.engine import Engine
from ictc.engine.local import LOCAL
from ictc.errors import SpecError, UsageError
from ictc.interfaces import Embedder, ImageEmbedder, JointEmbedder, Model, Tick, Vectors, no_tick
from ictc.modeloptions import ModelOptions
from ictc.models.minilm import MiniLM
from ictc.prompts import Prompts
from ictc.registry import EmbedderContext, embedder
from ictc.store import Store
from ictc.types import Failure, Item


@dataclass(frozen=True, slots=True)
class Asking:
    """How an embedder asks models about images, where it does (`described:`): by which criterion, in which words, and
    through what over a store (`backends.asking`: counted and within the budget). Without `models`, uncounted."""

    criterion: str = ""
    prompts: Prompts = field(default_factory=Prompts)
    models: Callable[[Store], Callable[[str], Model]] | None = None


class Gone:
    """Implements `JointEmbedder` where a run's embedder cannot be made any more (its folder was moved): what is stored
    is read by the fingerprint that it had; to embed anything else raises the reason."""

    def __init__(self, fingerprint: str, reason: UsageError) -> None:
        self.fingerprint = fingerprint
        hint = "What the run has embedded can be read without it; for anything more, put it back where it was."
        self._reason = SpecError(reason.message, hint)

    def embed_images(self, items: Sequence[Item], tick: Tick = no_tick) -> list[Vectors | Failure]:
        raise self._reason

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        raise self._reason


class Remade:
    """Gives the embedder that a spec names: the one that is here, or, once pickled, one made anew."""

    def __init__(self, spec: str, options: ModelOptions, here: Any = None) -> None:
        self._spec, self._options, self._here = spec, options, here

    def __reduce__(self) -> tuple[type[Remade], tuple[str, ModelOptions]]:
        return Remade, (self._spec, self._options)

    def __call__(self) -> Any:
        if self._here is None:
            store = Store(None)
            self._here = embedder(self._spec, EmbedderContext(store, CachedEmbedder(MiniLM(), store), self._options))
        return self._here


def open_embedder(
    spec: str,
    store: Store,
    options: ModelOptions,
    *,
    recompute: bool = False,
    kept: str = "",
    asking: Asking | None = None,
    engine: Engine = LOCAL,
) -> CachedImages | CachedEmbedder:
    """The embedder that `spec` names, behind `store`: of images where it embeds any, else of texts alone. With
    `recompute` it sees an empty store itself, so that nothing that it keeps there beside its vectors (features of the
    network, sentences) is taken for new; what a model answered stays. `kept`: the fingerprint of the vectors that the
    store has of a finished run, which needs its model or file no more where these are enough. `engine`: who embeds.

    Raises:
        SpecError: the spec names nothing that is installed, or it cannot be used.
        MissingExtra: it needs a package that is not installed.
    """
    own, asking = Store(None) if recompute else store, asking or Asking()
    opened = asking.models(store) if asking.models else None
    made: JointEmbedder | ImageEmbedder | Embedder
    try:
        text = CachedEmbedder(MiniLM(), own, engine=engine)
        context = EmbedderContext(own, text, options, kept, asking.criterion, asking.prompts, opened, engine)
        made = embedder(spec, context)
    except UsageError as error:
        if not kept:
            raise
        made = Gone(kept, error)
    if not getattr(made, "portable", False):
        engine = LOCAL
    again = Remade(spec, options, made)
    if isinstance(made, ImageEmbedder):
        return CachedImages(made, store, recompute=recompute, engine=engine, made=again)
    return CachedEmbedder(made, store, recompute=recompute, engine=engine, made=again)


def open_images(
    spec: str,
    store: Store,
    options: ModelOptions,
    *,
    recompute: bool = False,
    kept: str = "",
    asking: Asking | None = None,
    engine: Engine = LOCAL,
) -> CachedImages:
    """As `open_embedder`, for images.

    Raises:
        SpecError: it embeds texts alone, too. MissingExtra: it needs a package that is not installed.
    """
    found = open_embedder(spec, store, options, recompute=recompute, kept=kept, asking=asking, engine=engine)
    if not isinstance(found, CachedImages):
        raise SpecError(
            f"{spec} embeds texts, not images.", "Choose another: --embedder offline, --embedder clip:FOLDER"
        )
    return found
