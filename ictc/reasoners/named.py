"""Names that a person gave: the taxonomy that they are, and a reasoner around a reasoner that keeps to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from ictc.fingerprint import code_digest
from ictc.interfaces import Embedder, Reasoner, Tick, no_tick
from ictc.namelist import Names
from ictc.reasoners.words import same_word_key
from ictc.replies.reading import bare
from ictc.store import content_key
from ictc.types import Assignment, Cluster, Description, Failure, Label, Taxonomy


def as_given(names: Names, labels: Sequence[Label], criterion: str) -> Taxonomy:
    """The given names, each with the labels that are it by another spelling (`Dogs` for `dog`)."""
    home = home_among(names.names)
    counts: list[Counter[str]] = [Counter() for _ in names.clusters]
    for label in labels:
        place = home(label.label)
        if place is not None:
            counts[place][label.label] += 1
    clusters = [
        Cluster(c.name, c.about, dict(sorted(n.items(), key=lambda x: (-x[1], x[0]))))
        for c, n in zip(names.clusters, counts, strict=True)
    ]
    return Taxonomy(criterion, clusters)


def home_among(names: Sequence[str]) -> Callable[[str], int | None]:
    """Which of `names` a label is: case, quotes and full stop apart, else (`Dogs`, `dog`) by the same words."""
    same = {bare(name).casefold(): i for i, name in enumerate(names)}
    alike = {same_word_key(name): i for i, name in enumerate(names)}
    return lambda label: same.get(bare(label).casefold(), alike.get(same_word_key(label)))


class NamedReasoner:
    """Implements `Reasoner` around one that knows nothing of given names.

    A closed list is the taxonomy, and nothing is merged. With an open one the inner reasoner finds its K names, the
    given ones take the places of those that mean most nearly the same, and the others stay as found.
    """

    def __init__(self, inner: Reasoner, names: Names, embedder: Embedder) -> None:
        self._inner = inner
        self._names = names
        self._embedder = embedder

    @property
    def fingerprint(self) -> str:
        given = [[c.name, c.about] for c in self._names.clusters]
        return content_key(
            "named-reasoner/1",
            inner=self._inner.fingerprint,
            names=given,
            open=self._names.open,
            embedder=self._embedder.fingerprint,
            code=code_digest("ictc.reasoners.named"),
        )

    def label(self, descriptions: Sequence[Description], criterion: str, tick: Tick = no_tick) -> list[Label | Failure]:
        return self._inner.label(descriptions, criterion, tick)

    def merge(
        self, descriptions: Sequence[Description], labels: Sequence[Label], criterion: str, k: int | None
    ) -> Taxonomy:
        """The given names, and with an open list further ones up to k (or as many as the inner reasoner finds).

        Raises:
            UsageError: k is not possible with these names.
        """
        self._names.check_k(k)
        given = as_given(self._names, labels, criterion)
        if not self._names.open or k == given.k:
            return given
        found = self._inner.merge(descriptions, labels, criterion, k)
        if found.k <= given.k:
            return given
        return Taxonomy(criterion, self._together(given.clusters, found.clusters), found.choice)

    def assign(
        self, descriptions: Sequence[Description], taxonomy: Taxonomy, criterion: str, tick: Tick = no_tick
    ) -> list[Assignment | Failure]:
        return self._inner.assign(descriptions, taxonomy, criterion, tick)

    def _together(self, given: Sequence[Cluster], found: Sequence[Cluster]) -> list[Cluster]:
        """As many as were found: each given name with the labels of the found one nearest to it, then the others."""
        from scipy.optimize import linear_sum_assignment

        embed = self._embedder.embed_texts
        nearness = embed([c.name for c in given]) @ embed([c.name for c in found]).T
        same = np.asarray([[same_word_key(a.name) == same_word_key(b.name) for b in found] for a in given])
        _, columns = linear_sum_assignment(-(nearness + 2 * same))
        taken = {int(column) for column in columns}
        ours = [
            Cluster(a.name, a.about or found[column].about, found[column].labels)
            for a, column in zip(given, columns.tolist(), strict=True)
        ]
        return [*ours, *(c for i, c in enumerate(found) if i not in taken)]
