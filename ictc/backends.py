"""From model specs to the objects that do the steps. The only room that knows which classes there are."""

from __future__ import annotations

from dataclasses import dataclass

from ictc.embed.cached import CachedEmbedder
from ictc.errors import SpecError
from ictc.interfaces import Describer, Embedder, Evidence, Reasoner
from ictc.models.minilm import MiniLM
from ictc.reasoners.embedding import EmbeddingReasoner
from ictc.registry import DescriberContext, describer, describers
from ictc.store import Store

OFFLINE = "offline"
RECORDED = "recorded:"
IMPORTED = "imported"
"""Stands in place of a spec where another program did the steps."""


@dataclass(frozen=True, slots=True)
class Language:
    """What does steps 2a, 2b and 3, and the vectors it goes by: of texts, and what a describer measured."""

    reasoner: Reasoner
    embedder: Embedder
    evidence: Evidence | None


def check_specs(describer_spec: str, reasoner_spec: str) -> None:
    """Raises SpecError where a spec names nothing that is installed, before anything is made or written."""
    name, known = describer_spec.partition(":")[0], describers()
    if name not in known:
        raise SpecError(f"Unknown describer '{name}'.", f"Known here: {', '.join(known)}. See: ictc doctor")
    if reasoner_spec != OFFLINE:
        raise SpecError(f"Unknown reasoner '{reasoner_spec}'.", f"Known here: {OFFLINE}. See: ictc doctor")


def open_backends(describer_spec: str, reasoner_spec: str, store: Store) -> tuple[Describer, Language]:
    """Who describes, and who does the rest. Nothing heavy is loaded before it is used.

    Raises:
        SpecError: a spec names nothing that is installed, or it cannot be used.
    """
    check_specs(describer_spec, reasoner_spec)
    embedder = CachedEmbedder(MiniLM(), store)
    chosen = describer(describer_spec, DescriberContext(store=store, embedder=embedder))
    evidence = chosen if isinstance(chosen, Evidence) else None
    return chosen, Language(EmbeddingReasoner(embedder, evidence), embedder, evidence)


def open_language(describer_spec: str, reasoner_spec: str, store: Store) -> Language:
    """For the steps after the first. Recorded descriptions are in the run by then, and their file may be gone."""
    if not describer_spec.startswith(RECORDED):
        return open_backends(describer_spec, reasoner_spec, store)[1]
    check_specs(describer_spec, reasoner_spec)
    embedder = CachedEmbedder(MiniLM(), store)
    return Language(EmbeddingReasoner(embedder), embedder, None)
