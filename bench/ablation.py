"""What each part of the offline method is worth: the whole of it (label, merge, assign; K given), one part changed.

`python -m bench ablation`, with the shared data's folder in ICTC_DATA or `--data`. Every row is measured on the same
sets in one run; `+` and `-` stand where the difference in ACC to the method as it is has a 95 % interval (paired
bootstrap over images, over sets for the made-up ones) without 0.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import numpy as np
from scipy.sparse import csr_array

from bench import conditioning
from bench.conditioning import NAME, Conditioned, Conditioning, sentences
from bench.consensus import of_descriptions, of_labels
from bench.tasks import Answers, Remembered, Task, clusters, tasks
from bench.text_accuracy import k_means
from ictc.interfaces import Embedder, Vectors
from ictc.models.minilm import MiniLM
from ictc.pipeline import split
from ictc.reasoners import labels, merge, space
from ictc.reasoners.embedding import EmbeddingReasoner
from ictc.reasoners.labels import Answers as Labels
from ictc.reasoners.labels import Embed, answer
from ictc.reasoners.merge import choose_names
from ictc.reasoners.spherical import k_means as spherical_k_means
from ictc.reasoners.spherical import means, unit
from ictc.reasoners.spreading import neighbours
from ictc.reasoners.words import tokens
from ictc.scoring.scores import Scores, score_assignments
from ictc.types import Cluster, Label

RESAMPLES = 2000
_IN = "ictc.reasoners"


Method = Callable[[Task, Embedder], Answers]


@dataclass(frozen=True)
class Row:
    """One change: what is put in whose place in ictc, or how descriptions become vectors; or another method."""

    name: str
    patches: Mapping[str, Any] = field(default_factory=dict)
    condition: Conditioning | None = None
    method: Method | None = None


def rows() -> list[Row]:
    """As it is, then what is there left out, then what might be there put in."""

    def changed(name: str, **to: Any) -> Row:
        return Row(name, {f"{_IN}.{where.replace('__', '.')}": value for where, value in to.items()})

    c = conditioning
    return [
        Row("as it is"),
        Row("k-means on the descriptions, no names", method=_k_means),
        Row("supervised: logistic regression on the descriptions, 5 folds", method=_supervised),
        changed("label beside the description: 0 (description alone)", assign__LABEL=0.0),
        changed("... 0.2 (kept: 0.1)", assign__LABEL=0.2),
        changed("... 0.5", assign__LABEL=0.5),
        changed("... 1", assign__LABEL=1.0),
        changed("... label alone", assign__LABEL=1e4),
        changed("without: early phrases first", labels__EARLY=0.0),
        changed("without: relevance of phrases to the criterion", labels__RELEVANT=0.0),
        changed("without: relevance in choosing names", merge__LEAST_RELEVANT=1.0),
        changed("without: kind of word (noun, attribute, action)", labels__WRONG_KIND=0.0),
        changed("without: names chosen anew after placing", embedding__rename=lambda clusters, *_: clusters),
        changed("without: images that teach their label's name", assign__teachers=_untaught),
        changed("without: centring", assign___beside=_uncentred),
        changed("without: neighbours' say", assign__neighbours=lambda *_: None),
        changed("without: the space that tells names apart", space__KEEP=0.0),
        changed("that space always", space__KEEP=2.0),
        changed("that space from descriptions without labels", assign__settle=_settled_without_labels),
        Row("“criterion: description”", condition=c.asked_first),
        Row("“The criterion of this image: label. description”", condition=c.answered_first),
        Row("first sentence", condition=c.first_sentence),
        Row("sentence nearest to the criterion", condition=c.nearest_sentence),
        Row("clause nearest to the criterion", condition=c.nearest_clause),
        Row("sentence of the label", condition=c.sentence_of_the_label),
        Row("sentences weighed by nearness to the criterion", condition=c.weighed_sentences),
        Row("mean of the sentences", condition=c.all_sentences),
        Row("other aspects projected out", condition=c.without_other_aspects),
        Row("projected to where labels differ", condition=c.where_labels_differ),
        Row("ceiling: a word that mostly stands with its class", method=_telling_words),
    ]


def main(data: Path) -> None:
    """Print the tables of ACC and ARI, then what several describers are worth."""
    embedder = Remembered(MiniLM())
    with tempfile.TemporaryDirectory(prefix="ictc-bench-") as scratch:
        todo = tasks(data, Path(scratch), embedder)
    columns = list(dict.fromkeys(t.column for t in todo))
    found: dict[str, dict[str, list[Outcome]]] = {}
    for row in rows():
        by_column = found.setdefault(row.name, {})
        for task in todo:
            by_column.setdefault(task.column, []).append(outcome(answers(row, task, embedder), task))
        print(f"{time.process_time():.0f} s: {row.name}", file=sys.stderr, flush=True)
    base = next(iter(found.values()))
    for what in ("ACC", "ARI"):
        print(f"\n| {what} | " + " | ".join(columns) + " |\n" + "|---" * (len(columns) + 1) + "|")
        for name, by_column in found.items():
            print(f"| {name} | " + " | ".join(cell(what, by_column[c], base[c]) for c in columns) + " |")
    for line in consensus(data, todo, embedder):
        print(line, flush=True)


def consensus(data: Path, todo: Sequence[Task], embedder: Embedder) -> Iterator[str]:
    """The lines of two more tables."""
    cifar, images = todo[0], next(t for t in todo if t.column.startswith("CIFAR-10 images"))
    captions, recorded = data / "captions" / "cifar10_llava.jsonl.gz", data / "recorded" / "cifar10"
    labelled = list(of_labels(cifar, captions, recorded, embedder))
    described = list(of_descriptions(cifar, images, embedder))
    for head, task, ways in (("labels, CIFAR-10, 10,000", cifar, labelled), ("1,000 images", images, described)):
        yield f"\n| {head} | ACC | ARI |\n|---|---|---|"
        outcomes = {name: [outcome(found, task)] for name, found in ways}
        first = next(iter(outcomes.values()))
        for name, done in outcomes.items():
            yield f"| {name} | {cell('ACC', done, first)} | {cell('ARI', done, first)} |"


def answers(row: Row, task: Task, embedder: Embedder) -> Answers:
    """The cluster of every image by the method with one part changed."""
    if row.method:
        return row.method(task, embedder)
    with ExitStack() as changes:
        changes.enter_context(patch(f"{_IN}.embedding.answer", _MEMO.answer))
        changes.enter_context(patch(f"{_IN}.embedding.choose_names", _MEMO.choose_names))
        changes.enter_context(patch(f"{_IN}.assign.neighbours", _MEMO.neighbours))
        for where, value in row.patches.items():
            changes.enter_context(patch(where, value))
        if not row.condition:
            return clusters(EmbeddingReasoner(embedder), task)
        said, _ = split(EmbeddingReasoner(embedder).label(task.descriptions, task.criterion))
        changes.enter_context(patch(f"{_IN}.assign.load", lambda _: f"{NAME}{{name}}"))
        return clusters(EmbeddingReasoner(_conditioned(row.condition, task, said, embedder)), task)


class _Memo:
    """The costly steps, each done once for what it is done with: many rows share them."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Any] = {}

    def answer(self, texts: Sequence[str], criterion: str, embed: Embed) -> Labels:
        constants = (labels.EARLY, labels.RELEVANT, labels.WRONG_KIND)
        return cast(Labels, self._once((tuple(texts), criterion, constants), lambda: answer(texts, criterion, embed)))

    def choose_names(
        self, words: Sequence[str], relevance: Mapping[str, float], k: int, embed: Embed, evidence: None
    ) -> list[Cluster]:
        content = (tuple(words), tuple(relevance.items()), k, merge.LEAST_RELEVANT)
        return cast(list[Cluster], self._once(content, lambda: choose_names(words, relevance, k, embed, evidence)))

    def neighbours(self, rows: Vectors, k: int) -> csr_array | None:
        content = blake2b(np.ascontiguousarray(rows).tobytes()).digest()
        return cast("csr_array | None", self._once((content, k), lambda: neighbours(rows, k)))

    def _once(self, key: Hashable, compute: Callable[[], object]) -> object:
        if key not in self._known:
            self._known[key] = compute()
        return self._known[key]


_MEMO = _Memo()


@dataclass(frozen=True)
class Outcome:
    """Scores, and which images are right [n] (in the order of their names)."""

    scores: Scores
    right: Vectors


def outcome(found: Answers, task: Task) -> Outcome:
    described = {d.image for d in task.descriptions}
    truth = {image: kind for image, kind in task.truth.items() if image in described}
    scores = score_assignments(found, truth)
    stands_for = {m.cluster: m.class_ for m in scores.matching}
    right = [stands_for.get(found.get(image) or "") == truth[image] for image in sorted(truth)]
    return Outcome(scores, np.asarray(right, dtype=np.float32))


def cell(what: str, done: Sequence[Outcome], base: Sequence[Outcome]) -> str:
    """A score with half the width of its 95 % interval, and the sign of a difference that is more than noise."""
    values = [o.scores.acc if what == "ACC" else o.scores.ari for o in done]
    if len(done) > 1:
        half = float(np.std(_resampled(np.asarray(values, dtype=np.float32)))) * 1.96
        apart = np.asarray([o.right.mean() - b.right.mean() for o, b in zip(done, base, strict=True)])
    else:
        s = done[0].scores
        half = (s.acc_high - s.acc_low) / 2 if what == "ACC" else (s.ari_high - s.ari_low) / 2
        apart = done[0].right - base[0].right
    sign = ""
    if what == "ACC" and apart.any():
        low, high = np.quantile(_resampled(apart), [0.025, 0.975])
        sign = " **+**" if low > 0 else " **-**" if high < 0 else ""
    return f"{np.mean(values):.4f} ± {half:.3f}{sign}"


def _resampled(values: Vectors) -> Vectors:
    """Means of bootstrap resamples; drawn as counts of the distinct values, so that the cost is that of a few."""
    kinds, counts = np.unique(values, return_counts=True)
    drawn = np.random.default_rng(0).multinomial(len(values), counts / len(values), size=RESAMPLES)
    means: Vectors = (drawn @ kinds / len(values)).astype(np.float32)
    return means


def _conditioned(condition: Conditioning, task: Task, labels: Sequence[Label], embedder: Embedder) -> Conditioned:
    label_of = {label.image: label.label for label in labels}
    worded = {d.text: label_of[d.image] for d in task.descriptions if d.image in label_of}
    at = partial(condition, criterion=task.criterion, embed=embedder.embed_texts)
    texts, own = list(worded), list(worded.values())

    def of_names(names: Sequence[str]) -> Vectors:
        """A name lies where a description that says nothing else would."""
        return at([*texts, *sentences(names)], [*own, *names])[len(texts) :]

    return Conditioned(embedder, dict(zip(texts, at(texts, own), strict=True)), of_names)


def _uncentred(words: Vectors, labels: Vectors, evidence: Vectors | None = None) -> Vectors:
    from ictc.reasoners.assign import LABEL

    return unit(np.hstack([words, LABEL * labels])).astype(np.float32)


def _untaught(texts: Sequence[str], *_: Any) -> tuple[Any, Any]:
    """Only the sentence of its name teaches a group."""
    return np.zeros(len(texts), dtype=np.intp), np.zeros(len(texts), dtype=bool)


def _settled_without_labels(rows: Vectors, groups: Any, taught: Any, k: int) -> Any:
    """As `space.settle`, but its second stage sees the descriptions' vectors alone: labels teach it."""
    found, centres = spherical_k_means(rows, means(rows, np.where(taught, groups, -1), k), space.ROUNDS)
    if float(np.mean(found[taught] == groups[taught])) >= space.KEEP:
        return rows, found, centres
    return space.settle(unit(rows[:, : rows.shape[1] // 2]), groups, taught, k)


def _k_means(task: Task, embedder: Embedder) -> Answers:
    return k_means(task.descriptions, task.k, embedder)


def _telling_words(task: Task, embedder: Embedder) -> Answers:
    """Right for every description with a word that, of all that hold it, mostly those of its own class hold; none else.

    Who knows the truth of all words finds no more in words; a word of fewer than a fiftieth of a class tells nothing.
    """
    held = {d.image: set(tokens(d.text)) for d in task.descriptions if d.image in task.truth}
    by_word: dict[str, Counter[str]] = {}
    for image, words in held.items():
        for word in words:
            by_word.setdefault(word, Counter())[task.truth[image]] += 1
    least = max(5, len(held) // (50 * task.k))
    tells = {
        word: kind
        for word, counted in by_word.items()
        for kind, n in counted.most_common(1)
        if counted.total() >= least and 2 * n > counted.total()
    }
    return {
        i: task.truth[i] if any(tells.get(w) == task.truth[i] for w in words) else None for i, words in held.items()
    }


def _supervised(task: Task, embedder: Embedder) -> Answers:
    """What the same vectors tell one who knows the truth of four fifths of the images."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from threadpoolctl import threadpool_limits

    known = [d for d in task.descriptions if d.image in task.truth]
    vectors = embedder.embed_texts([d.text for d in known])
    classes = np.asarray([task.truth[d.image] for d in known])
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one made-up class has four descriptions
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        said = cross_val_predict(LogisticRegression(C=10, max_iter=200), vectors, classes, cv=folds)
    return {d.image: str(c) for d, c in zip(known, said, strict=True)}
