"""Names and assignments made again, by another K or another criterion, around what a person pinned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from ictc.backends import Backends
from ictc.errors import StepError, UsageError
from ictc.interfaces import Reasoner
from ictc.means import Means
from ictc.namelist import Names, read_names
from ictc.outlying import cluster_of, is_told, without
from ictc.pipeline import check_there, split
from ictc.spending.dryrun import AUTO_K
from ictc.steering.answering import Answerer
from ictc.steering.draft import BY_HAND, Draft
from ictc.steering.finding import same
from ictc.steering.nearest import with_evidence
from ictc.types import Assignment, Cluster, Description, Failure, Label, Taxonomy


@dataclass(frozen=True, slots=True)
class Remade:
    """What was made again."""

    labels: Sequence[Label]
    draft: Draft
    reasoner: Reasoner


def check_another_k(k: int | None, draft: Draft, means: Means) -> None:
    """Raises UsageError for a K that the images, the pinned clusters or given names leave no room for."""
    pins = len(draft.pinned)
    if k is not None and k < max(1, pins):
        raise UsageError(
            f"K is {k}, but {pins} clusters are pinned." if pins else f"K is {k}; it must be at least 1.",
            f"Ask for -k {max(1, pins)} or more, or --unpin some." if pins else "Ask for -k 2 or more.",
        )
    if k is not None and k > len(draft.assignments):
        raise UsageError(
            f"K is {k}, but there are only {len(draft.assignments)} images in the result.",
            f"Ask for -k {len(draft.assignments)} or fewer.",
        )
    if means.wording.names and not means.wording.open_names:
        raise UsageError(
            "The names of this run are given (--names), and so is K.", "Use --add, --drop, --merge or --split instead."
        )


def another_k(k: int | None, draft: Draft, answerer: Answerer, renames: Mapping[str, str]) -> Draft:
    """One merge; then only images whose cluster's name, or whose label's place, is another are assigned again. Without
    a model, or with a cascade, which judge all images together, all are. Pinned clusters stay whole and count.

    Raises as the reasoner does.
    """
    backends, result = answerer.backends, answerer.result
    check_another_k(k, draft, backends.means)
    held = set(draft.members(*draft.pinned))
    labelled = [x for x in result.labels if x.image not in held and x.image in answerer.texts]
    rest = [answerer.texts[x.image] for x in labelled]
    pins = [draft.cluster(p) for p in draft.pinned]
    if k == len(pins) or not rest:
        taxonomy = Taxonomy(result.criterion, pins)
        answers = answerer.place([d.image for d in rest], _with(draft, taxonomy, held))
        return _with(draft, taxonomy, held).answered(answers).with_homes(answerer.said)
    together = not answerer.asks or bool(backends.means.wording.budget)
    reasoner = _around(pins, backends, together).answering()
    wanted = k if k is None or not together else k - len(pins)
    with answerer.watch("merge", len(labelled)) as tick:
        apart = pins if together else ()
        found = _merged(reasoner, rest, labelled, result.criterion, wanted, apart, answerer.estimating)
        tick(len(labelled))
    taxonomy = _joined(pins, found, draft.names, renames)
    beside = [c for c in draft.taxonomy.clusters if c.name == cluster_of(draft.taxonomy)]
    taxonomy = replace(taxonomy, clusters=[*taxonomy.clusters, *(c for c in beside if c.name not in taxonomy.names)])
    stays = {i for i, a in draft.assignments.items() if _by_hand(a, taxonomy) or is_told(a)}
    if together:
        with answerer.watch("assign", len(rest)) as tick:
            assigned = reasoner.assign(rest, found, result.criterion, tick)
        check_there([f for f in assigned if isinstance(f, Failure)])
        called = dict(zip(found.names, _called(found, [p.name for p in pins], draft.names, renames), strict=True))
        told = [with_evidence(_in(called, a), answerer.said) for a in assigned]
        answers = {a.image: a for a in told if a.image not in stays}
        return _with(draft, taxonomy, held | stays).answered(answers).with_homes(answerer.said, draft.pinned)
    before, after = _homes(draft.taxonomy), _homes(taxonomy)
    for image, a in draft.assignments.items():
        label = answerer.said.get(image, "")
        if a.cluster in taxonomy.names and before.get(label) == after.get(label):
            stays.add(image)
    changed = [d.image for d in rest if d.image not in stays]
    kept = _with(draft, taxonomy, held | stays)
    return kept.answered(answerer.place(changed, kept)).with_homes(answerer.said, draft.pinned)


def another_criterion(
    descriptions: Sequence[Description], criterion: str, k: int | None, draft: Draft, answerer: Answerer,
    renames: Mapping[str, str],
) -> Remade:  # fmt: skip
    """Steps 2a, 2b and 3 on these descriptions; pinned clusters stay as they are. Raises as the reasoner does."""
    backends, watch = answerer.backends, answerer.watch
    check_another_k(k, draft, backends.means)
    held = set(draft.members(*draft.pinned))
    pins = [draft.cluster(p) for p in draft.pinned]
    together = not answerer.asks or bool(backends.means.wording.budget)
    reasoner = _around(pins, backends, together).reasoner()
    with watch("label", len(descriptions)) as tick:
        labels, failures = split(reasoner.label(descriptions, criterion, tick))
    check_there(failures)
    if not labels:
        raise StepError("None of the descriptions could be labelled.", "Reword the criterion, or try --retry-failed.")
    own = {x.image: x for x in labels}
    there = {i: a for i, a in draft.assignments.items() if i in own or i in held}
    draft = replace(draft, assignments=there, failures={f.image: f for f in failures if f.image not in held})
    rest = [d for d in descriptions if d.image in own and d.image not in held]
    old = _with(draft, Taxonomy(criterion, pins), held)
    if not rest or k == len(pins):
        answers = answerer.place([d.image for d in rest], old)
        return Remade(labels, old.answered(answers), reasoner)
    wanted = k if k is None or not together else k - len(pins)
    with watch("merge", len(rest)) as tick:
        found = _merged(reasoner, rest, [own[d.image] for d in rest], criterion, wanted, pins if together else ())
        tick(len(rest))
    taxonomy = _joined(pins, found, (), renames)
    with watch("assign", len(rest)) as tick:
        assigned = reasoner.assign(rest, found, criterion, tick)
    check_there([f for f in assigned if isinstance(f, Failure)])
    called = dict(zip(found.names, _called(found, [p.name for p in pins], (), renames), strict=True))
    said = {image: x.label for image, x in own.items()}
    answers = {a.image: with_evidence(_in(called, a), said) for a in assigned}
    made = _with(draft, taxonomy, held).answered(answers)
    return Remade(labels, made.with_homes(said, draft.pinned), reasoner)


def _around(pins: Sequence[Cluster], backends: Backends, together: bool) -> Backends:
    """A model is told the pinned names, and may put more images under them; else nobody else comes to them."""
    wording = backends.means.wording
    own = read_names(wording.names, True).clusters if wording.names else ()
    if together or not (pins or own):
        return backends
    given = [*pins, *(c for c in own if same(c.name) not in {same(p.name) for p in pins})]
    return replace(backends, given=Names(tuple(given), open=True))


def _merged(
    reasoner: Reasoner,
    rest: Sequence[Description],
    labels: Sequence[Label],
    criterion: str,
    k: int | None,
    apart: Sequence[Cluster],
    guess: bool = False,
) -> Taxonomy:
    """K names, none of them that of a cluster which is `apart` (its like goes to it): then one more is asked for.

    `guess`: invented names, where the model only counts.
    """
    try:
        found = reasoner.merge(rest, labels, criterion, k)
        alike = {same(c.name) for c in apart} & {same(name) for name in found.names}
        if k is not None and alike:
            with suppress(UsageError, StepError):  # there may be no more than these
                return reasoner.merge(rest, labels, criterion, k + len(alike))
        return found
    except StepError:
        if not guess:
            raise
        return Taxonomy(criterion, [Cluster(f"thing {i + 1}") for i in range(k or AUTO_K)])


def _called(
    found: Taxonomy, pinned: Sequence[str], before: Sequence[str], renames: Mapping[str, str]
) -> list[str]:  # fmt: skip
    """The names found, as a person calls or spells them; one that is called as a pinned cluster is that cluster's
    `other`, unless the model was told of it."""
    spelled = {same(n): n for n in before}
    wanted = {same(first): now for first, now in renames.items()}
    taken = {same(p): p for p in pinned}
    names: list[str] = []
    for name in found.names:
        own = wanted.get(same(name), spelled.get(same(name), name))
        if own in names or (same(own) in {same(n) for n in found.names if n != name}):
            own = name
        names.append(taken.get(same(own), own))
    return names


def _joined(pins: Sequence[Cluster], found: Taxonomy, before: Sequence[str], renames: Mapping[str, str]) -> Taxonomy:
    """The pinned clusters, and then those found."""
    called = _called(found, [p.name for p in pins], before, renames)
    by_name = dict(zip(called, found.clusters, strict=True))
    own = {p.name for p in pins}
    elsewhere = {label for name, c in by_name.items() if name not in own for label in c.labels}
    first = []
    for p in pins:
        more = by_name[p.name].labels if p.name in by_name else {}
        left = {label: n for label, n in p.labels.items() if label not in elsewhere}
        first.append(replace(p, labels={**left, **more}))
    rest = [replace(c, name=name) for name, c in by_name.items() if name not in own]
    return replace(found, clusters=[*first, *rest])


def _with(draft: Draft, taxonomy: Taxonomy, stays: set[str]) -> Draft:
    """These names; images that do not stay are in none of them, until they are assigned."""
    found = {i: a if i in stays else replace(a, cluster=None) for i, a in draft.assignments.items()}
    return replace(draft, taxonomy=taxonomy, assignments=found)


def _in(called: Mapping[str, str], a: Assignment | Failure) -> Assignment | Failure:
    return a if isinstance(a, Failure) or a.cluster is None else replace(a, cluster=called[a.cluster])


def _by_hand(a: Assignment, taxonomy: Taxonomy) -> bool:
    return a.by == BY_HAND and a.cluster in taxonomy.names


def _homes(taxonomy: Taxonomy) -> dict[str, str]:
    return {label: c.name for c in without(taxonomy).clusters for label in c.labels}
