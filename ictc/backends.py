"""From model specs to the objects that do the steps. The only room that knows which classes there are."""

from __future__ import annotations

from dataclasses import dataclass

from ictc.embed.cached import CachedEmbedder
from ictc.errors import SpecError
from ictc.interfaces import Describer, Embedder, Evidence, Reasoner
from ictc.models.minilm import MiniLM
from ictc.reasoners.embedding import EmbeddingReasoner
from ictc.registry import DescriberContext, describer
from ictc.store import Store

OFFLINE = "offline"
IMPORTED = "imported"
"""Stands in place of a spec where another program did the steps."""


@dataclass(frozen=True, slots=True)
class Backends:
    """What one run works with."""

    describer: Describer
    reasoner: Reasoner
    embedder: Embedder


def text_embedder(store: Store) -> Embedder:
    """The sentence embedder, answers kept in `store`."""
    return CachedEmbedder(MiniLM(), store)


def open_backends(describer_spec: str, reasoner_spec: str, store: Store) -> Backends:
    """The backends of two model specs. Nothing heavy is loaded before it is used.

    Raises:
        SpecError: a spec names nothing that is installed.
    """
    embedder = text_embedder(store)
    chosen = describer(describer_spec, DescriberContext(store=store, embedder=embedder))
    evidence = chosen if isinstance(chosen, Evidence) else None
    if reasoner_spec != OFFLINE:
        raise SpecError(f"Unknown reasoner '{reasoner_spec}'.", f"Known here: {OFFLINE}. See: ictc doctor")
    return Backends(chosen, EmbeddingReasoner(embedder, evidence), embedder)
