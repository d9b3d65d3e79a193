"""Step 2b without a language model: K names out of all labels, chosen so that together they stand for every label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from ictc.interfaces import Vectors
from ictc.reasoners.labels import Embed
from ictc.reasoners.phrases import Grammar, learn_grammar, phrases
from ictc.reasoners.spherical import medoids, unit
from ictc.reasoners.words import same_word_key, tokens
from ictc.types import Cluster

MAX_NAMES = 1500  # distinct labels that may become a name, the weightiest; the rest only joins a group
LEAST_RELEVANT = 0.2  # weight of a label that does not answer the criterion, against 1 for one that does
EVIDENCE = 1.5  # weight of measured vectors beside label vectors (1): where pixels were measured, they rule
MOST = 0.5  # of a cluster's images: a label that fewer have does not name it alone, where further ones say much more
MUCH_MORE = 1.5  # times as many images told by the joint name
JOINED = 3  # labels of a joint name at most
_BESIDE = 0.5  # of the commonest label's images: a label of fewer is not joined to it
_ABOUT_LABELS = 6


def count_labels(labels: Sequence[str]) -> dict[str, Counter[str]]:
    """Labels that are one name to a reader, together: key -> its spellings and their numbers."""
    spellings: dict[str, Counter[str]] = {}
    for label in labels:
        spellings.setdefault(same_word_key(label), Counter())[label] += 1
    return spellings


def weigh(labels: Sequence[str], relevance: Mapping[str, float]) -> dict[str, float]:
    """Per distinct label (by key): its number of images, less where it does not answer the criterion."""
    return {
        key: sum(
            n * (LEAST_RELEVANT + (1 - LEAST_RELEVANT) * relevance.get(form, 1.0)) for form, n in sorted(forms.items())
        )
        for key, forms in count_labels(labels).items()
    }


def choose_names(
    labels: Sequence[str],
    relevance: Mapping[str, float],
    k: int,
    embed: Embed,
    evidence: Vectors | None = None,
) -> list[Cluster]:
    """k clusters by their labels alone; needs at least k distinct labels (by `same_word_key`).

    Args:
        labels: one per image.
        relevance: of each label to the criterion, in [0, 1]; 1 where it is missing.
        evidence: unit rows [n, d] in the order of `labels`; a label then stands where its images do.
    """
    spellings = count_labels(labels)
    weight = weigh(labels, relevance)
    keys = sorted(spellings, key=lambda x: (-weight[x], x))
    vectors = label_vectors([_commonest(spellings[key]) for key in keys], keys, labels, embed, evidence)
    top = min(len(keys), max(MAX_NAMES, k))
    chosen = medoids(vectors[:top], np.asarray([weight[key] for key in keys[:top]]), k)
    home = (vectors @ vectors[chosen].T).argmax(1)
    home[chosen] = np.arange(k)
    group = dict(zip(keys, home.tolist(), strict=True))
    names = [_commonest(spellings[keys[index]]) for index in chosen]
    return describe_groups(names, labels, [group[same_word_key(label)] for label in labels])


def rename(
    clusters: Sequence[Cluster], labels: Sequence[str], groups: Sequence[int], relevance: Mapping[str, float]
) -> list[Cluster]:
    """The same clusters after all images were placed in them, each named by the label that tells its images best.

    A label tells a cluster by F1: of the label's images how many are in the cluster, of the cluster's how many have the
    label. The k distinct labels with the greatest sum are taken (Hungarian method); an old name breaks ties. Where such
    a label is a minority's, the commonest labels are the name together: `red, brown and orange`.
    """
    from scipy.optimize import linear_sum_assignment

    everywhere = weigh(labels, relevance)
    keys = sorted(everywhere, key=lambda x: (-everywhere[x], x))[: max(MAX_NAMES, len(clusters))]
    place = {key: column for column, key in enumerate(keys)}
    f1 = np.zeros((len(clusters), len(keys)))
    for i, cluster in enumerate(clusters):
        inside = weigh([x for x, g in zip(labels, groups, strict=True) if g == i], relevance)
        size = sum(inside.values())
        for key in inside.keys() & place.keys():
            f1[i, place[key]] = 2 * inside[key] / (size + everywhere[key])
        if same_word_key(cluster.name) in place:
            f1[i, place[same_word_key(cluster.name)]] += 1e-6
    _, columns = linear_sum_assignment(-f1)
    spellings = count_labels(labels)
    names = [_commonest(spellings[keys[c]]) for c in columns]
    return describe_groups(_joined(names, labels, groups, relevance), labels, groups)


def _joined(
    names: Sequence[str], labels: Sequence[str], groups: Sequence[int], relevance: Mapping[str, float]
) -> list[str]:
    """The names, and for a cluster that its name tells little of, its commonest labels joined. Distinct as before.

    A label is joined only where it has the most images.
    """
    given = list(names)
    counted = [count_labels([x for x, g in zip(labels, groups, strict=True) if g == i]) for i in range(len(names))]
    home: dict[str, int] = {}
    for i, inside in enumerate(counted):
        for key, forms in inside.items():
            if key not in home or forms.total() > counted[home[key]][key].total():
                home[key] = i
    for i, (name, inside) in enumerate(zip(names, counted, strict=True)):
        size, told = sum(map(Counter.total, inside.values())), inside.get(same_word_key(name), Counter()).total()
        if told >= MOST * size:
            continue
        taken = {same_word_key(other) for j, other in enumerate(names) if j != i}
        free = {
            key: forms.total()
            for key, forms in inside.items()
            if key not in taken and "," not in key and relevance.get(_commonest(forms), 1.0) >= 0 and home[key] == i
        }
        common = sorted(free, key=lambda key: (-free[key], key))[:JOINED]
        parts: list[str] = []
        for key in common:
            known = any(p.endswith(key) or key.endswith(p) for p in parts)  # `rattlesnake` and `snake`
            if not known and sum(free[p] for p in parts) < MOST * size and free[key] >= _BESIDE * free[common[0]]:
                parts.append(key)
        if parts and sum(free[p] for p in parts) >= MUCH_MORE * told:
            *first, last = (_commonest(inside[p]) for p in parts)
            given[i] = f"{', '.join(first)} and {last}" if first else last
    return given


def name_as_asked(clusters: Sequence[Cluster], named: Sequence[str], embed: Embed) -> list[Cluster]:
    """The same clusters under the names that the criterion itself lists, matched by the meaning of their labels."""
    from scipy.optimize import linear_sum_assignment

    asked = embed(named)
    nearness = np.zeros((len(clusters), len(named)))
    for i, cluster in enumerate(clusters):
        if cluster.labels:
            nearness[i] = np.asarray(list(cluster.labels.values())) @ (embed(list(cluster.labels)) @ asked.T)
            nearness[i] /= sum(cluster.labels.values())
    rows, columns = linear_sum_assignment(-nearness)
    given = dict(zip(rows.tolist(), columns.tolist(), strict=True))
    return [
        Cluster(named[given[i]], about(named[given[i]], Counter(cluster.labels)), cluster.labels)
        for i, cluster in enumerate(clusters)
    ]


def describe_groups(names: Sequence[str], labels: Sequence[str], groups: Sequence[int]) -> list[Cluster]:
    """Clusters, most images first. A label belongs where most of its images are; a name's own label always to it."""
    own = {same_word_key(name): i for i, name in enumerate(names)}
    votes: dict[str, Counter[int]] = {}
    for label, group in zip(labels, groups, strict=True):
        votes.setdefault(same_word_key(label), Counter())[group] += 1
    members: list[Counter[str]] = [Counter() for _ in names]
    for key, forms in count_labels(labels).items():
        home = own.get(key, min(votes[key], key=lambda g: (-votes[key][g], g)))
        members[home].update(forms)
    clusters = [
        Cluster(name, about(name, counted), dict(sorted(counted.items(), key=lambda x: (-x[1], x[0]))))
        for name, counted in zip(names, members, strict=True)
    ]
    return sorted(clusters, key=lambda c: (-sum(c.labels.values()), c.name))


def label_vectors(
    shown: Sequence[str], keys: Sequence[str], labels: Sequence[str], embed: Embed, evidence: Vectors | None
) -> Vectors:
    """Unit rows, one per distinct label: its meaning, beside the mean of what was measured on its images."""
    words = embed(shown)
    if evidence is None:
        return words
    place = {key: i for i, key in enumerate(keys)}
    groups = np.asarray([place[same_word_key(label)] for label in labels], dtype=np.intp)
    centres = np.zeros((len(keys), evidence.shape[1]))
    np.add.at(centres, groups, evidence - evidence.mean(0))
    return unit(np.hstack([words, EVIDENCE * unit(centres)])).astype(np.float32)


def split_labels(labels: Sequence[str], texts: Sequence[str], k: int) -> list[str]:
    """Finer labels where there are fewer than k: the commonest one is split by a phrase that half of its texts hold.

    `horse` becomes `horse` and `horse, field`; texts without any telling phrase are told apart by a number. Texts that
    are equal keep equal labels. Needs at least k distinct texts.
    """
    grammar = learn_grammar(sorted(set(texts)))
    current = dict(zip(texts, labels, strict=True))
    stuck: set[str] = set()
    while len({same_word_key(label) for label in current.values()}) < k:
        members: dict[str, list[str]] = {}
        for text in sorted(current):
            members.setdefault(same_word_key(current[text]), []).append(text)
        key = max((m for m in members if len(members[m]) > 1), key=lambda m: (m not in stuck, len(members[m]), m))
        part = _telling(members[key], key, grammar) if key not in stuck else None
        label = current[members[key][0]]
        if part is None:
            stuck.add(key)
            numbered = (f"{label} {i}" for i in range(2, len(texts) + 3))
            current[members[key][-1]] = next(name for name in numbered if same_word_key(name) not in members)
            continue
        phrase, holders = part
        for text in holders:
            current[text] = f"{label}, {phrase}"
    return [current[t] for t in texts]


def _telling(texts: Sequence[str], key: str, grammar: Grammar) -> tuple[str, list[str]] | None:
    """The phrase held by most nearly half of the texts, and its holders; None if all texts hold the same phrases."""
    own = frozenset(tokens(key))
    holders: dict[str, list[str]] = {}
    for text in texts:
        for phrase in sorted({p.text for p in phrases(text, grammar, own) if len(p.text.split()) == 1}):
            holders.setdefault(phrase, []).append(text)
    telling = {p: h for p, h in holders.items() if len(h) < len(texts)}
    if not telling:
        return None
    best = min(telling, key=lambda p: (abs(2 * len(telling[p]) - len(texts)), p))
    return best, telling[best]


def about(name: str, counted: Counter[str]) -> str:
    """What else is in a cluster, for a reader: its commonest other labels."""
    ordered = sorted(counted, key=lambda form: (-counted[form], form))
    others = [form for form in ordered if same_word_key(form) != same_word_key(name)][:_ABOUT_LABELS]
    return f"also {', '.join(others)}" if others else ""


def _commonest(forms: Counter[str]) -> str:
    return min(forms, key=lambda f: (-forms[f], f))
