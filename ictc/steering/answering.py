"""Who answers what corrections leave to be asked: a language model, about the images concerned alone; or nobody, and
images go to the nearest centre."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from ictc.backends import Backends, calls_models
from ictc.errors import StepError, UsageError
from ictc.interfaces import Reasoner
from ictc.means import Means
from ictc.outlying import is_told, without
from ictc.pipeline import check_there
from ictc.progress import Watch
from ictc.reasoners.held import Known
from ictc.reasoners.words import says_something
from ictc.result import Result
from ictc.steering.draft import BY_HAND, Attract, Divide, Draft, Place, Question
from ictc.steering.finding import same
from ictc.steering.nearest import nearness, to_centres, to_names, with_evidence
from ictc.types import Assignment, Cluster, Description, Failure, Label, Taxonomy

Answers = dict[str, Assignment | Failure]


def asks_models(means: Means) -> bool:
    """Whether a language model assigns images by these means."""
    return calls_models(means.reasoner) and means.lane is None


def check_different(question: Divide, known: Sequence[Description]) -> None:
    """Raises UsageError: images that are described alike cannot be told apart."""
    different = len({d.text for d in known})
    if different < question.into:
        raise UsageError(
            f"“{question.cluster}” cannot be split into {question.into}: its images have {different} different "
            f"description{'' if different == 1 else 's'}.",
            "Move images by hand (--add a name, --move IMAGE=name), or take a describer that says more.",
        )


@dataclass(frozen=True)
class Answerer:
    """Answers questions about the images of one result. `estimating`: models only count (`Backends.stand_in`), so an
    answer that is not there leaves an image as it is."""

    backends: Backends
    result: Result
    watch: Watch
    estimating: bool = False

    @property
    def asks(self) -> bool:
        return asks_models(self.backends.means)

    @cached_property
    def reasoner(self) -> Reasoner:
        """For some of the images, all of which it is asked about."""
        means = self.backends.means
        wording = replace(means.wording, names=None, open_names=False, levels=1, groups=0, budget="")
        return replace(self.backends, means=replace(means, wording=wording)).answering()

    @cached_property
    def texts(self) -> dict[str, Description]:
        return {d.image: d for d in self.result.descriptions}

    @cached_property
    def labels(self) -> dict[str, Label]:
        return {x.image: x for x in self.result.labels}

    @cached_property
    def said(self) -> dict[str, str]:
        """Labels by image."""
        return {image: x.label for image, x in self.labels.items()}

    def answer(self, question: Question, draft: Draft) -> Draft:
        """The draft with the question answered.

        Raises:
            StepError: a cluster cannot be split. ModelGone, BudgetSpent: what was answered is in the store.
            UsageError: names are asked for where an embedder knows no words.
        """
        match question:
            case Place():
                return draft.answered(self.place(question.images, draft)).with_homes(self.said)
            case Divide():
                return self._divided(question, draft)
            case Attract():
                return self._attracted(question, draft)

    def place(self, images: Sequence[str], draft: Draft) -> Answers:
        """One of the draft's names for each of the images, or none. Images that were outliers stay so."""
        wanted = {i for i in images if not ((a := draft.assignments.get(i)) and is_told(a))}
        described = [self.texts[i] for i in images if i in wanted and i in self.texts]
        if not described:
            return {}
        taxonomy = without(draft.taxonomy)
        if self.asks:
            return self._asked(described, taxonomy, self._beside(draft, wanted))
        others = ((i, a) for i, a in draft.assignments.items() if i not in wanted and i in self.texts)
        held = [(self.texts[i], a.cluster) for i, a in others if a.cluster is not None]
        return self._told(to_centres(described, held, taxonomy.clusters, self.result.criterion, self.backends))

    @property
    def spares(self) -> bool:
        """Whether a cascade's budget holds. It is a share of what is asked about these images. While estimating all is
        counted: what a cascade asks hangs on answers."""
        return bool(self.backends.means.wording.budget) and not self.estimating

    def _beside(self, draft: Draft, images: Collection[str]) -> Reasoner:
        """Who puts images beside all others, in the draft's clusters."""
        if not self.spares:
            return self.reasoner
        taxonomy = without(draft.taxonomy)
        names = {*taxonomy.names}
        stays = [
            a
            for i, a in draft.assignments.items()
            if i not in images and i in self.labels and i in self.texts and says_something(self.texts[i].text)
        ]
        known = Known(
            taxonomy,
            [self.texts[a.image] for a in stays],
            [self.labels[a.image] for a in stays],
            [a.cluster if a.cluster in names else None for a in stays],
            [a.confidence for a in stays],
        )
        return self.backends.placing(known)

    def _asked(self, described: Sequence[Description], taxonomy: Taxonomy, reasoner: Reasoner) -> Answers:
        """The reasoner's answers; while estimating, what there is of them."""
        with self.watch("assign", len(described)) as tick:
            found = reasoner.assign(described, taxonomy, taxonomy.criterion, tick)
        if self.estimating:
            return {f.image: f for f in found if isinstance(f, Assignment)}
        check_there([f for f in found if isinstance(f, Failure)])
        return self._told(found)

    def _told(self, found: Sequence[Assignment | Failure]) -> Answers:
        return {f.image: with_evidence(f, self.said) for f in found}

    def _divided(self, question: Divide, draft: Draft) -> Draft:
        """The parts take the cluster's place. It is a run of its own on these images: their labels are merged, and
        each is assigned to a part. A part called as another cluster is called after the whole too."""
        whole, criterion = question.cluster, draft.taxonomy.criterion
        known = [self.texts[i] for i in question.images if i in self.texts]
        reasoner = self.backends.dividing(bool(question.names)) if self.asks and self.spares else self.reasoner
        if question.names:
            parts = [Cluster(name) for name in question.names]
        else:
            elsewhere = {x for c in draft.taxonomy.clusters if c.name != whole for x in c.labels}
            found = self._parts(question, known, criterion, reasoner).clusters
            parts = [replace(c, labels={x: n for x, n in c.labels.items() if x not in elsewhere}) for c in found]
        taken = {same(name) for name in draft.names if name != whole}
        group = draft.cluster(whole).group
        parts = [
            replace(c, name=f"{c.name} ({whole})" if same(c.name) in taken else c.name, group=group) for c in parts
        ]
        if question.names and not self.asks:
            answers = self._told(to_names(known, parts, self.backends))
        else:
            answers = self._asked(known, Taxonomy(criterion, parts), reasoner)
        reached = {a.cluster for a in answers.values() if isinstance(a, Assignment)} - {None}
        if len(reached) < 2 and not question.names and not self.estimating:
            raise StepError(
                f"“{whole}” could not be split: all its images went to one part.",
                "Give names for the parts: --split a=b+c, or say in the criterion what tells these images apart.",
            )
        at = draft.names.index(whole)
        around = draft.taxonomy.clusters
        done = draft.in_clusters({whole: None}).with_clusters([*around[:at], *parts, *around[at + 1 :]])
        return done.answered(answers).with_homes(self.said, [c.name for c in parts])

    def _parts(self, question: Divide, known: Sequence[Description], criterion: str, reasoner: Reasoner) -> Taxonomy:
        labelled = [d for d in known if d.image in self.labels]
        if not self.backends.means.lane:
            check_different(question, labelled)
        labels = [self.labels[d.image] for d in labelled]
        try:
            with self.watch("merge", len(labels)) as tick:
                found = reasoner.merge(labelled, labels, criterion, question.into)
                tick(len(labels))
            return found
        except StepError:
            if not self.estimating:
                raise
            return Taxonomy(criterion, [Cluster(f"part {i + 1}") for i in range(question.into)])

    def _attracted(self, question: Attract, draft: Draft) -> Draft:
        """Images whose description is nearer to the new name than to that of their own cluster may belong to it, and
        so may those in none. A model is asked about these; without one they come where no other name is nearer. What
        a person moved or pinned, and outliers, stay."""
        taxonomy = without(draft.taxonomy)
        names, new = taxonomy.names, taxonomy.names.index(question.name)
        pinned = set(draft.pinned)
        free = {
            i: a.cluster
            for i, a in draft.assignments.items()
            if i in self.texts and a.cluster not in pinned and a.by != BY_HAND and not is_told(a)
        }
        if not free:
            return draft
        near = nearness([self.texts[i] for i in free], taxonomy.clusters, self.backends)
        place = {name: j for j, name in enumerate(names)}
        own = [place.get(cluster or "", -1) for cluster in free.values()]
        may = {i for i, j, row in zip(free, own, near, strict=True) if j < 0 or row[new] > row[j]}
        described = [self.texts[i] for i in free if i in may]
        if self.asks:
            found = self._asked(described, taxonomy, self._beside(draft, may)) if described else {}
        else:
            found = self._told(to_names([self.texts[i] for i in free], taxonomy.clusters, self.backends))
        comes = {
            i: a
            for i, a in found.items()
            if i in may
            and isinstance(a, Assignment)
            and (a.cluster == question.name or (self.asks and free[i] is None))
        }
        return draft.answered(comes).with_homes(self.said, [question.name])
