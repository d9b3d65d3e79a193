"""Step 3 without a language model: every description gets one of the names, all descriptions together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ictc.interfaces import Vectors
from ictc.prompts import load
from ictc.reasoners.labels import Embed
from ictc.reasoners.space import settle, softmax
from ictc.reasoners.spherical import Array, Index, best_k_means, k_means, likeness, unit
from ictc.reasoners.spreading import neighbours, spread
from ictc.reasoners.words import same_word_key, tokens
from ictc.types import Taxonomy

if TYPE_CHECKING:
    from scipy.sparse import csr_array

NAME_PROMPT = "offline/assign.txt"
FEW = 64  # images from which on what was measured makes the groups alone
EVIDENCE = 2.0  # weight of measured vectors beside the description's (1), for fewer images
LABEL = 0.1  # weight of the label's vector beside the description's (1): where labels answer badly, .2 lets them rule
_ROUNDS = 10  # of k-means after answers were added: what they move, they move at once


@dataclass(frozen=True, slots=True)
class Places:
    """Where descriptions lie among k groups. `rows`: unit rows, of which the first `n` are the descriptions; `groups`
    and `centres` as clustered; `first`: of every row the first that equals it; `graph`: see `spreading`, or None."""

    n: int
    rows: NDArray[np.floating]
    groups: Index
    centres: Array
    first: Index
    graph: csr_array | None

    def shares(self, known: Mapping[int, int] | None = None) -> Array:
        """[n, k] how much of each group is in every description, as its centre and as its neighbours say, on average:
        where they differ, doubt is due (of the images that GPT-4 names otherwise than we, the least sure 3 % hold all
        on PPMI-7; by the neighbours alone 43 %). Equal rows get equal answers.

        `known`: groups of some rows, as somebody else found them. They stay what they are while the centres move
        (constrained k-means; Basu et al., ICML 2002), and their neighbours follow them.
        """
        groups, centres = self.groups, self.centres
        if known:
            held = np.full(len(self.rows), -1, dtype=np.intp)
            held[list(known)] = list(known.values())
            groups, centres = k_means(self.rows, self.centres, _ROUNDS, held)
        near = softmax(likeness(self.rows[: self.n], centres))
        if self.graph is not None:
            near = (near + spread(self.graph, groups[: self.n], len(centres))) / 2
        return near[self.first]


def place(
    texts: Sequence[str],
    labels: Sequence[str],
    taxonomy: Taxonomy,
    embed: Embed,
    evidence: Vectors | None = None,
) -> tuple[Index, Array]:
    """(cluster [n], confidence [n]) for texts that are not empty. Equal rows get equal answers."""
    shares = places(texts, labels, taxonomy, embed, evidence).shares()
    return shares.argmax(1), shares.max(1)


def places(
    texts: Sequence[str],
    labels: Sequence[str],
    taxonomy: Taxonomy,
    embed: Embed,
    evidence: Vectors | None = None,
) -> Places:
    """Texts that are not empty, in the clusters of a taxonomy."""
    k, n = taxonomy.k, len(texts)
    if k == 1:
        nothing = np.zeros(n, dtype=np.intp)
        return Places(n, np.ones((n, 1)), nothing, np.ones((1, 1)), np.arange(n), None)
    label_rows, own = _embedded_once(labels, embed)
    groups, taught = teachers(texts, labels, taxonomy, (label_rows @ embed(taxonomy.names).T)[own])
    if evidence is None:
        near = np.vstack([_beside(embed(texts), label_rows[own]), name_rows(taxonomy, embed)])
        rows, groups, centres = settle(
            near, np.append(groups, np.arange(k)), np.append(taught, np.ones(k, dtype=bool)), k
        )
    else:
        # What was measured chose the words, and says more than they do: it alone makes the groups, and labels name
        # them. Words beside it turned small chances into other groups. It is not centred: it is a map already. Few
        # images are mostly each of another kind, and which kinds are alike only words know.
        rows = lie(texts, labels, embed, evidence)
        groups, centres = best_k_means(rows, groups, k)
    graph = neighbours(rows[:n], k) if evidence is None else None
    return Places(n, rows, groups, centres, _first_of_equals(texts, evidence), graph)


def name_rows(taxonomy: Taxonomy, embed: Embed) -> Vectors:
    """Unit rows [k, d] of the names, beside descriptions that were not measured."""
    sentences = [load(NAME_PROMPT).replace("{name}", name) for name in taxonomy.names]
    return _beside(embed(sentences), embed(taxonomy.names))


def lie(texts: Sequence[str], labels: Sequence[str], embed: Embed, evidence: Vectors | None = None) -> Vectors:
    """Unit rows [n, d] in which descriptions are compared."""
    if evidence is not None and len(texts) >= FEW:
        return evidence
    label_rows, own = _embedded_once(labels, embed)
    return _beside(embed(texts), label_rows[own], evidence)


def _embedded_once(labels: Sequence[str], embed: Embed) -> tuple[Vectors, Index]:
    """Rows of the distinct labels, and the row of each label."""
    number: dict[str, int] = {}
    own = np.asarray([number.setdefault(label, len(number)) for label in labels], dtype=np.intp)
    return embed(list(number)), own


def teachers(
    texts: Sequence[str], labels: Sequence[str], taxonomy: Taxonomy, similarity: Vectors
) -> tuple[Index, NDArray[np.bool_]]:
    """(cluster [n], whether sure [n]) by the label alone: surely where it is a name or a cluster's commonest label.

    A name that is no image's label (one that a person wrote, or `horse, field`) is taught by the texts that hold all
    of its words.
    """
    home = {same_word_key(label): i for i, c in enumerate(taxonomy.clusters) for label in c.labels}
    exact = {same_word_key(c.name): i for i, c in enumerate(taxonomy.clusters)}
    for i, cluster in enumerate(taxonomy.clusters):  # a name that a person changed: its commonest label stands for it
        if cluster.labels and same_word_key(cluster.name) not in map(same_word_key, cluster.labels):
            exact[same_word_key(max(cluster.labels, key=lambda x: cluster.labels[x]))] = i
    keys = [same_word_key(label) for label in labels]
    nearest = similarity.argmax(1)
    groups = np.asarray([exact.get(x, home.get(x, int(near))) for x, near in zip(keys, nearest, strict=True)])
    taught = np.asarray([x in exact for x in keys])
    untaught = sorted(set(range(taxonomy.k)) - set(groups[taught].tolist()))
    if untaught:
        needed = {
            i: frozenset(same_word_key(t) for t in tokens(taxonomy.names[i]) if t[:1].isalnum()) for i in untaught
        }
        wanted = frozenset[str]().union(*needed.values())
        held = [wanted.intersection(map(same_word_key, tokens(text))) for text in texts]
        for i in untaught:
            holders = np.asarray([needed[i] <= h for h in held])
            groups[holders], taught[holders] = i, True
    return groups, taught


def _beside(words: Vectors, labels: Vectors, evidence: Vectors | None = None) -> Vectors:
    """Unit rows in float32: words and labels, each less its own mean and made unit, beside what was measured."""
    n, d = words.shape
    rows = np.empty((n, 2 * d + (0 if evidence is None else evidence.shape[1])), dtype=np.float32)
    rows[:, :d] = unit(words - words.mean(0))
    rows[:, d : 2 * d] = LABEL * unit(labels - labels.mean(0))
    if evidence is not None:
        rows[:, 2 * d :] = EVIDENCE * evidence
    return unit(rows, out=rows)


def _first_of_equals(texts: Sequence[str], evidence: Vectors | None) -> Index:
    """For every row the index of the first row that equals it, so that rounding cannot tell equal rows apart."""
    seen: dict[tuple[str, bytes], int] = {}
    keys = [(t, b"" if evidence is None else blake2b(evidence[i].tobytes()).digest()) for i, t in enumerate(texts)]
    return np.asarray([seen.setdefault(key, i) for i, key in enumerate(keys)], dtype=np.intp)
