"""Names into broader groups without a language model: bottom up, by what they mean and what was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain

import numpy as np

from ictc.errors import StepError
from ictc.fingerprint import code_digest, prompt_digest
from ictc.interfaces import Embedder, Evidence, Vectors
from ictc.prompts import load
from ictc.reasoners.merge import EVIDENCE
from ictc.reasoners.spherical import Array, Index, means, unit
from ictc.reasoners.words import same_word_key, tokens
from ictc.store import content_key
from ictc.types import Cluster, Description, Label, Taxonomy

KIND_PROMPT = "offline/group.txt"
JOINED = 3  # names that a group's name lists at most


class NameGrouper:
    """Merges names (given as labels, an image each) into groups; see `Grouper` in `ictc.reasoners.levels`."""

    def __init__(self, embedder: Embedder, evidence: Evidence | None = None) -> None:
        self._embedder = embedder
        self._evidence = evidence

    @property
    def fingerprint(self) -> str:
        return content_key(
            "name-grouper/1",
            code=code_digest("ictc.reasoners"),
            prompt=prompt_digest(KIND_PROMPT),
            embedder=self._embedder.fingerprint,
        )

    def merge(
        self, descriptions: Sequence[Description], labels: Sequence[Label], criterion: str, k: int | None
    ) -> Taxonomy:
        """k groups of at least one name each, the largest first.

        Raises:
            StepError: there are no k names.
        """
        counted = Counter(x.label for x in labels)
        names = sorted(counted, key=lambda name: (-counted[name], name))
        if k is None or not 1 <= k <= len(names):
            raise StepError(f"{len(names)} names do not make {k} groups.", "Ask for fewer with --groups.")
        groups = bottom_up(self._vectors(names, descriptions, labels, criterion), k)
        members = [[name for name, group in zip(names, groups, strict=True) if group == g] for g in range(k)]
        clusters = [
            Cluster(name, labels={m: counted[m] for m in inside})
            for name, inside in zip(name_groups(members), members, strict=True)
        ]
        return Taxonomy(criterion, sorted(clusters, key=lambda c: (-sum(c.labels.values()), c.name)))

    def _vectors(
        self, names: Sequence[str], descriptions: Sequence[Description], labels: Sequence[Label], criterion: str
    ) -> Array:
        """[names, d]: what a name means as a kind of thing, beside the mean of what was measured on its images.

        On 14 made-up lists of names, the question what kind of thing a name is gave .73 ARI with the kinds meant, the
        bare name .68 (.69 and under .67 on 168 parts of them). The mean description beside it gave no more, and
        misleads where kinds have their own scenes.
        """
        embed = self._embedder.embed_texts
        asked = load(KIND_PROMPT)
        parts: list[Vectors | Array] = [_centred(embed([asked.replace("{name}", name) for name in names]))]
        place = {name: i for i, name in enumerate(names)}
        home = {x.image: place[x.label] for x in labels}
        known = [d for d in descriptions if d.image in home]
        measured = self._evidence.evidence(known, criterion) if self._evidence and known else None
        if measured is not None:
            own = np.asarray([home[d.image] for d in known], dtype=np.intp)
            parts.append(EVIDENCE * _centred(means(measured, own, len(names)), own))
        rows: Array = np.hstack(parts).astype(np.float64)
        return rows


def bottom_up(rows: Array, k: int) -> Index:
    """[n] one of exactly k groups, by Ward's method (1963): those two are joined, again and again, whose union scatters
    least more than they."""
    from scipy.cluster.hierarchy import cut_tree, ward

    if len(rows) == 1:
        return np.zeros(1, dtype=np.intp)
    found: Index = cut_tree(ward(np.round(rows, 6)), n_clusters=[k])[:, 0].astype(np.intp)
    return found


def name_groups(members: Sequence[Sequence[str]]) -> list[str]:
    """A distinct name for each group of names: the thing that all of its names speak of and no other group's do
    (`apple` for `red apple` and `green apple`), else its first names, `dog, cat and horse`."""
    things = [{same_word_key(_thing(name)) for name in inside} for inside in members]
    found: list[str] = []
    for i, inside in enumerate(members):
        shared = len(inside) > 1 and len(things[i]) == 1 and not things[i] & {"", *chain(*things[:i], *things[i + 1 :])}
        name = min(map(_thing, inside), key=len) if shared else _listed(inside)
        while name in found:
            name += " and the like"
        found.append(name)
    return found


def _thing(name: str) -> str:
    """The last word before a comma, as English puts what a thing is (`red apple`; `apple, red` where labels were
    divided); "" for a name that lists several."""
    words = tokens(name.partition(",")[0])
    return words[-1] if words and " and " not in name else ""


def _listed(names: Sequence[str]) -> str:
    if any("," in name or " and " in name for name in names):
        return "; ".join(names[:JOINED]) + ("; and the like" if len(names) > JOINED else "")
    *first, last = names if len(names) <= JOINED else [*names[:JOINED], "the like"]
    return f"{', '.join(first)} and {last}" if first else last


def _centred(rows: Vectors | Array, present: Index | None = None) -> Vectors | Array:
    """Unit rows less their mean; rows that no image is in (not `present`) stay zeros."""
    if present is None:
        return unit(rows - rows.mean(0))
    there = np.zeros((len(rows), 1))
    there[present] = 1
    return unit(there * (rows - rows[np.unique(present)].mean(0)))
