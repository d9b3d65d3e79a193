"""The offline reasoner: steps 2a, 2b and 3 of IC|TC with sentence embeddings and no language model."""

from __future__ import annotations

from collections.abc import Sequence

from ictc.errors import StepError, UsageError
from ictc.fingerprint import code_digest, prompt_digest
from ictc.interfaces import Embedder, Evidence, Tick, Vectors, no_tick
from ictc.reasoners.assign import NAME_PROMPT, Places, lie, place, places
from ictc.reasoners.choose_k import choose_k
from ictc.reasoners.labels import Answers, answer
from ictc.reasoners.merge import choose_names, count_labels, name_as_asked, rename, split_labels
from ictc.reasoners.words import alternatives, asked, says_something
from ictc.types import Assignment, Description, Failure, KChoice, Label, Stage, Taxonomy

BY = "offline"
CODE = ("ictc.reasoners", "ictc.english")


class EmbeddingReasoner:
    """Implements `Reasoner`. `evidence` is a describer that measured vectors beside its words, if there is one."""

    def __init__(self, embedder: Embedder, evidence: Evidence | None = None) -> None:
        self._embedder = embedder
        self._evidence = evidence
        self._last: tuple[tuple[str, tuple[str, ...]], Answers] | None = None

    @property
    def fingerprint(self) -> str:
        written = f"{code_digest(*CODE)},{prompt_digest(NAME_PROMPT)}"
        return f"embedding-reasoner/{written},{self._embedder.fingerprint}"

    def label(self, descriptions: Sequence[Description], criterion: str, tick: Tick = no_tick) -> list[Label | Failure]:
        """One label per description, in order; a description without text is a `Failure`."""
        worded = [d for d in descriptions if says_something(d.text)]
        labels = dict(zip((d.image for d in worded), self._answers(worded, criterion).labels, strict=True))
        tick(len(descriptions))
        return [
            Label(d.image, labels[d.image], BY) if d.image in labels else _empty(d.image, "label") for d in descriptions
        ]

    def merge(
        self, descriptions: Sequence[Description], labels: Sequence[Label], criterion: str, k: int | None
    ) -> Taxonomy:
        """k distinct names, each a label of the images (made finer where there are fewer labels than k).

        Raises:
            UsageError: k is below 1, or above the number of distinct descriptions.
            StepError: there is nothing to name.
        """
        if k is not None and k < 1:
            raise UsageError(f"K must be at least 1, not {k}.", "Use -k with a positive number, or -k auto.")
        label_of = {label.image: label.label for label in labels}
        known = [d for d in descriptions if d.image in label_of and says_something(d.text)]
        if not known:
            raise StepError("There are no labels to merge.", "Look at failures.jsonl: no image got a description.")
        texts, words = [d.text for d in known], [label_of[d.image] for d in known]
        possible = len(set(texts))
        if k is not None and k > possible:
            raise UsageError(
                f"{k} clusters were asked for, but there are only {possible} different descriptions.",
                f"Use -k {possible} or fewer, or a describer that says more.",
            )
        evidence = self._vectors(known, criterion)
        embed = self._embedder.embed_texts
        relevance = self._answers(known, criterion).relevance
        named = alternatives(criterion)
        choice: KChoice | None = None
        if k is None:
            choice = _as_named(named, possible) or choose_k(texts, words, relevance, embed, evidence)
            k = choice.k
        if len(count_labels(words)) < k:
            words = split_labels(words, texts, k)
        draft = Taxonomy(criterion, choose_names(words, relevance, k, embed, evidence))
        groups, _ = place(texts, words, draft, embed, evidence)
        clusters = rename(draft.clusters, words, groups.tolist(), relevance)
        if k == len(named):
            clusters = name_as_asked(clusters, named, embed)
        return Taxonomy(criterion, clusters, choice)

    def assign(
        self, descriptions: Sequence[Description], taxonomy: Taxonomy, criterion: str, tick: Tick = no_tick
    ) -> list[Assignment | Failure]:
        """The nearest name for every description, with a confidence in [0, 1]; equal descriptions get equal answers."""
        worded = [d for d in descriptions if says_something(d.text)]
        done: dict[str, Assignment] = {}
        if worded:
            found, labels = self.places(worded, taxonomy, criterion)
            for d, label, shares in zip(worded, labels, found.shares(), strict=True):
                cluster = taxonomy.names[shares.argmax()]
                done[d.image] = Assignment(d.image, cluster, round(float(shares.max()), 4), BY, label)
        tick(len(descriptions))
        return [done.get(d.image) or _empty(d.image, "assign") for d in descriptions]

    def rows(self, descriptions: Sequence[Description], criterion: str) -> Vectors:
        """Unit rows [n, d]: where descriptions that say something lie, as far as the criterion asks."""
        labels = self._answers(descriptions, criterion).labels
        embed = self._embedder.embed_texts
        return lie([d.text for d in descriptions], labels, embed, self._vectors(descriptions, criterion))

    def places(
        self, descriptions: Sequence[Description], taxonomy: Taxonomy, criterion: str
    ) -> tuple[Places, Sequence[str]]:
        """Descriptions that say something, in the clusters of a taxonomy; and their labels."""
        labels = self._answers(descriptions, criterion).labels
        texts, embed = [d.text for d in descriptions], self._embedder.embed_texts
        return places(texts, labels, taxonomy, embed, self._vectors(descriptions, criterion)), labels

    def _answers(self, descriptions: Sequence[Description], criterion: str) -> Answers:
        """The labels of step 2a; kept for the steps that follow on the same descriptions."""
        key = (criterion, tuple(d.text for d in descriptions))
        if self._last is None or self._last[0] != key:
            self._last = key, answer(key[1], asked(criterion), self._embedder.embed_texts)
        return self._last[1]

    def _vectors(self, descriptions: Sequence[Description], criterion: str) -> Vectors | None:
        return self._evidence.evidence(descriptions, criterion) if self._evidence else None


def _as_named(named: Sequence[str], possible: int) -> KChoice | None:
    """K for a criterion that lists its answers (`indoor or outdoor`)."""
    if not 2 <= len(named) <= possible:
        return None
    return KChoice(len(named), "the criterion", f"the criterion names them: {', '.join(named)}")


def _empty(image: str, stage: Stage) -> Failure:
    return Failure(image, stage, "empty-description", "The description of this image has no text.")
