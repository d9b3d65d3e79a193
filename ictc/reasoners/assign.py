"""Step 3 without a language model: every description gets one of the names, all descriptions together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ictc.interfaces import Vectors
from ictc.prompts import load
from ictc.reasoners.labels import Embed
from ictc.reasoners.space import confidence, settle
from ictc.reasoners.spherical import Array, Index, best_k_means, unit
from ictc.reasoners.words import same_word_key, tokens
from ictc.types import Taxonomy

NAME_PROMPT = "offline/assign.txt"
LABEL = 0.2  # weight of the label's vector beside the description's (1)
EVIDENCE = (
    2.0  # weight of measured vectors beside the description's (1): 1 and 4 each lose .03 or more of two image sets
)


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
    words, sentences = embed(texts), embed([load(NAME_PROMPT).replace("{name}", name) for name in names])
    label_rows, name_rows = embed(labels), embed(names)
    rows = np.hstack([_centred(words, sentences), LABEL * _centred(label_rows, name_rows)])
    groups, taught = teachers(texts, labels, taxonomy, label_rows @ name_rows.T)
    if evidence is None:
        groups, similarity = settle(rows, np.append(groups, np.arange(k)), np.append(taught, np.ones(k, dtype=bool)), k)
    else:
        # What was measured chose the words, and says more than they do: it makes the groups, and labels name them. It
        # is not centred: the describer gave its likeness as it means it (fruit by type: .94 against .64 centred).
        rows = unit(np.hstack([rows[:n], EVIDENCE * evidence]))
        groups, centres = best_k_means(rows, groups, k)
        similarity = rows @ centres.T
    first = _first_of_equals(texts, evidence)
    return groups[:n][first], confidence(similarity[:n])[first]


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
        held = [frozenset(same_word_key(t) for t in tokens(text)) for text in texts]
        for i in untaught:
            needed = frozenset(same_word_key(t) for t in tokens(taxonomy.names[i]) if t[:1].isalnum())
            holders = np.asarray([needed <= h for h in held])
            groups[holders], taught[holders] = i, True
    return groups, taught


def _centred(rows: Vectors, more: Vectors) -> Array:
    """Both row sets, each less its own mean, made unit again, one under the other."""
    return np.vstack([unit(rows - rows.mean(0)), unit(more - more.mean(0))])


def _first_of_equals(texts: Sequence[str], evidence: Vectors | None) -> Index:
    """For every row the index of the first row that equals it, so that rounding cannot tell equal rows apart."""
    seen: dict[tuple[str, bytes], int] = {}
    keys = [(t, b"" if evidence is None else evidence[i].tobytes()) for i, t in enumerate(texts)]
    return np.asarray([seen.setdefault(key, i) for i, key in enumerate(keys)], dtype=np.intp)
