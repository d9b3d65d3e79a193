"""A reasoner around a language model's: where the model chooses K, its reason gets evidence beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ictc.fingerprint import code_digest
from ictc.interfaces import Embedder, Reasoner
from ictc.reasoners.choose_k import FEW, RESAMPLINGS, SAMPLE, STABLE, stability
from ictc.reasoners.llm.merge import MODELS_CHOICE
from ictc.reasoners.spherical import unit
from ictc.reasoners.wrapping import Wrapped
from ictc.store import content_key
from ictc.types import Description, Label, Taxonomy

CODE = ("ictc.reasoners.evidenced", "ictc.reasoners.choose_k")


class EvidencedReasoner(Wrapped):
    """Implements `Reasoner`. The names stay the model's; their reason also says how far the groups that embeddings
    alone find in resampled descriptions agree with them. Costs no request."""

    def __init__(self, inner: Reasoner, embedder: Embedder) -> None:
        super().__init__(inner)
        self._embedder = embedder

    @property
    def fingerprint(self) -> str:
        return content_key(
            "evidenced/1",
            inner=self._inner.fingerprint,
            embedder=self._embedder.fingerprint,
            code=code_digest(*CODE),
        )

    def merge(
        self, descriptions: Sequence[Description], labels: Sequence[Label], criterion: str, k: int | None
    ) -> Taxonomy:
        """As the one within. Raises as it does."""
        found = self._inner.merge(descriptions, labels, criterion, k)
        if k is not None or found.choice is None or found.choice.method != MODELS_CHOICE:
            return found
        told = self._agreement(descriptions, labels, found)
        return replace(found, choice=replace(found.choice, reason=f"{found.choice.reason}; {told}"))

    def _agreement(self, descriptions: Sequence[Description], labels: Sequence[Label], found: Taxonomy) -> str:
        home = {label: i for i, cluster in enumerate(found.clusters) for label in cluster.labels}
        own = {x.image: home[x.label] for x in labels if x.label in home}
        known = sorted((d.text, d.image) for d in descriptions if d.image in own)
        some = known[:: max(1, -(-len(known) // SAMPLE))]
        if len(some) < FEW or found.k < 2:
            return "too few images or names to say how stable these are"
        rows = self._embedder.embed_texts([text for text, _ in some])
        groups = np.asarray([own[image] for _, image in some], dtype=np.intp)
        again = stability(unit(rows - rows.mean(0)), groups, found.k)
        alike = "much the same" if again >= STABLE else "other"
        return (
            f"{RESAMPLINGS} resamplings of four fifths of the descriptions, by their embeddings alone, give {alike} "
            f"groups (ARI {again:.2f})"
        )
