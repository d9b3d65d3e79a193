"""A reasoner around a reasoner that says how many images are unlike all others, and does with them what was chosen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ictc.errors import UsageError
from ictc.fingerprint import code_digest
from ictc.interfaces import Appearance, Embedder, Reasoner, Tick, no_tick
from ictc.outlying import Outliers, cluster_of, fitted, found, is_told, told, without
from ictc.progress import AtMost, portion
from ictc.reasoners.nearest import MOST
from ictc.reasoners.novelty import FEWEST, unlike
from ictc.reasoners.words import says_something
from ictc.reasoners.wrapping import Wrapped
from ictc.store import content_key
from ictc.types import Assignment, Description, Failure, Label, Taxonomy

_SEARCH = 10  # of progress, one part in so many is the search: its embedding may take minutes after a model's answers
_CODE = ("ictc.outlying", "ictc.reasoners.novelty", "ictc.reasoners.nearest", "ictc.reasoners.outliers")


class OutlierReasoner(Wrapped):
    """Implements `Reasoner`. Outliers stay where `inner` puts them (`keep`), are unassigned (`unsure`), or form a
    cluster beside the K names (`cluster`), of which `inner` knows nothing; a language model's answers are no exception.
    So do, but for `keep`, those that `inner` itself calls outliers (clusterers by density do).

    `outliers`: the account of the last step 3; None where nobody looked: fewer than 20 distinct descriptions, or, with
    `keep`, more than 30,000. `appearance`: a describer that can tell what images are like beside its words.
    """

    def __init__(self, inner: Reasoner, choice: str, embedder: Embedder, appearance: Appearance | None = None) -> None:
        super().__init__(inner)
        self._choice = choice
        self._embedder = embedder
        self._appearance = appearance
        self.outliers: Outliers | None = None

    @property
    def fingerprint(self) -> str:
        """That of `inner` where nothing is moved."""
        if self._choice == "keep":
            return self._inner.fingerprint
        return content_key(
            "outlier-reasoner/1",
            inner=self._inner.fingerprint,
            choice=self._choice,
            embedder=self._embedder.fingerprint,
            code=code_digest(*_CODE),
        )

    def merge(
        self, descriptions: Sequence[Description], labels: Sequence[Label], criterion: str, k: int | None
    ) -> Taxonomy:
        return fitted(self._inner.merge(descriptions, labels, criterion, k), self._choice)

    def assign(
        self, descriptions: Sequence[Description], taxonomy: Taxonomy, criterion: str, tick: Tick = no_tick
    ) -> list[Assignment | Failure]:
        """As `inner` does, but for the outliers.

        Raises:
            UsageError: they are to form a cluster, and the taxonomy has none for them.
        """
        own = cluster_of(taxonomy)
        if self._choice == "cluster" and own is None:
            raise UsageError(
                "The names have no cluster for the outliers.",
                "Make it with them: ictc step2b RUN --outliers cluster (or use --outliers unsure).",
            )
        n = len(descriptions)
        kept = n // _SEARCH if self._looks(n) else 0
        told_of = AtMost(n, tick)
        answers = self._inner.assign(descriptions, without(taxonomy), criterion, portion(n, told_of, n - kept))
        self.outliers = None
        odd = self._unlike(descriptions, criterion, told_of)
        told_of.rest()
        known = [] if self._choice == "keep" else [i for i, a in enumerate(answers) if _is_out(a)]
        if odd is None and not known:
            return answers
        name = own if self._choice == "cluster" else None
        there = [a for i in dict.fromkeys([*(odd or ()), *known]) if isinstance(a := answers[i], Assignment)]
        self.outliers = found([a.image for a in there], n, self._choice, name or "")
        if self._choice == "keep":
            return answers
        moved = {a.image: told(a, name) for a in there}
        return [moved.get(a.image, a) for a in answers]

    def _looks(self, n: int) -> bool:
        """Whether outliers among n images are worth the time."""
        return self._choice != "keep" or n <= MOST

    def _unlike(self, descriptions: Sequence[Description], criterion: str, tick: Tick) -> list[int] | None:
        """Places of the outliers, the most unlike first; None where nobody looks. Equal descriptions count once."""
        if not self._looks(len(descriptions)):
            return None
        worded = [i for i, d in enumerate(descriptions) if says_something(d.text)]
        if len(worded) < FEWEST:
            return None
        known = [descriptions[i] for i in worded]
        measured = self._appearance.appearance(known, criterion) if self._appearance else None
        holders: dict[str, list[int]] = {}
        for i, d in enumerate(known):
            holders.setdefault(d.text if measured is None else d.sha256, []).append(i)
        if len(holders) < FEWEST:
            return None
        if measured is None:
            rows = self._embedder.embed_texts(list(holders), portion(len(holders), tick, len(descriptions) // _SEARCH))
        elif len(holders) < len(known):
            rows = measured[[alike[0] for alike in holders.values()]]
        else:
            rows = measured
        groups = list(holders.values())
        odd = unlike(rows, np.asarray([len(alike) for alike in groups], dtype=np.intp))
        return [worded[i] for number in odd.tolist() for i in groups[number]]


def _is_out(answer: Assignment | Failure) -> bool:
    """Whether the reasoner within left the image out as an outlier."""
    return isinstance(answer, Assignment) and answer.cluster is None and is_told(answer)
