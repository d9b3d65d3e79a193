"""Step 3 without a language model: every description gets one of the names, all descriptions together."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from ictc.interfaces import Vectors
from ictc.prompts import load
from ictc.reasoners.labels import Embed
from ictc.reasoners.space import confidence, settle
from ictc.reasoners.spherical import Array, Index, best_k_means, likeness, unit
from ictc.reasoners.spreading import neighbours, spread
from ictc.reasoners.words import same_word_key, tokens
from ictc.types import Taxonomy

NAME_PROMPT = "offline/assign.txt"
FEW = 64  # images from which on what was measured makes the groups alone
EVIDENCE = 2.0  # weight of measured vectors beside the description's (1), for fewer images
LABEL = 0.2  # weight of the label's vector beside the description's (1)


def place(
    texts: Sequence[str],
    labels: Sequence[str],
    taxonomy: Taxonomy,
    embed: Embed,
    evidence: Vectors | None = None,
) -> tuple[Index, Array]:
    """(cluster [n], confidence [n]) for texts that are not empty. Equal rows get equal answers."""
    k, n = taxonomy.k, len(texts)
    if k == 1:
        return np.zeros(n, dtype=np.intp), np.ones(n)
    names = taxonomy.names
    sentences = [load(NAME_PROMPT).replace("{name}", name) for name in names]
    distinct = list(dict.fromkeys(labels))
    number = {label: i for i, label in enumerate(distinct)}
    own = np.asarray([number[label] for label in labels], dtype=np.intp)
    label_rows, name_rows = embed(distinct), embed(names)
    groups, taught = teachers(texts, labels, taxonomy, (label_rows @ name_rows.T)[own])
    if evidence is None:
        rows = np.vstack([_beside(embed(texts), label_rows[own]), _beside(embed(sentences), name_rows)])
        rows, groups, centres = settle(
            rows, np.append(groups, np.arange(k)), np.append(taught, np.ones(k, dtype=bool)), k
        )
    else:
        # What was measured chose the words, and says more than they do: it alone makes the groups, and labels name
        # them. Words beside it turned small chances into other groups. It is not centred: it is a map already. Few
        # images are mostly each of another kind, and which kinds are alike only words know.
        rows = evidence if n >= FEW else _beside(embed(texts), label_rows[own], evidence)
        groups, centres = best_k_means(rows, groups, k)
    first = _first_of_equals(texts, evidence)
    graph = neighbours(rows[:n], k) if evidence is None else None
    if graph is None:
        return groups[:n][first], confidence(likeness(rows[:n], centres))[first]
    shares = spread(graph, groups[:n], k)
    return shares.argmax(1)[first], shares.max(1)[first]


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
