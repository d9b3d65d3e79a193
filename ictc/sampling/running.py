"""A run on a sample: the four steps on what is described, and a probe that carries the clusters to the rest.

The steps are the pipeline's, and know nothing of it: they get the sample as their images. Whom to describe is settled
before they run: the cover by images alone, the uncertain by a first look at the cover (described, and grouped offline:
no language model is asked for it), the audit by lot. `auto` does so again with twice the images until it settles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ictc.backends import Backends
from ictc.errors import IctcError
from ictc.images.sources import Source
from ictc.interfaces import Describer, Reasoner
from ictc.means import Means
from ictc.pipeline import check_there, run_steps, split
from ictc.progress import Watch
from ictc.reasoners.spherical import Array
from ictc.reasoners.words import same_word_key
from ictc.revision import Revision
from ictc.sampling.account import Account
from ictc.sampling.audit import drawn
from ictc.sampling.carrying import Parts, account_of, carried
from ictc.sampling.cover import Cover
from ictc.sampling.plan import parse_size, parts
from ictc.sampling.probe import train
from ictc.sampling.seeing import Seen, look

STILL = 0.05
"""Of the images: so many may be in another cluster than a round before, and by so much may the audit's estimate differ,
where nothing is held to change any more."""


@dataclass(frozen=True)
class Sampled:
    """What a sampled run needs beside the revision."""

    source: Source
    criterion: str
    k: int | None
    describer: Describer
    reasoner: Reasoner
    backends: Backends
    watch: Watch


def run_sampled(revision: Revision, task: Sampled) -> Account:
    """All four steps; afterwards the revision holds all result files, with every image in them.

    Raises:
        As `run_steps`, of the sample; StepError: no image has a vector.
    """
    sample = task.backends.means.sample
    assert sample
    size = parse_size(sample.size)
    seen = look(task.source.items, task.backends, task.watch)
    chosen: Parts = {}
    rounds: list[tuple[int, float | None]] = []
    before: _Round | None = None
    wanted = size.of(len(task.source.items), task.k)
    while True:
        chosen = _grown(chosen, wanted, seen, task)
        _described(revision, chosen, seen, task)
        account = save_carried(revision, task.source, chosen, seen, task.backends.means)
        if not size.auto:
            return account
        rounds.append((account.described, account.disagreement))
        now = _Round.of(revision, account)
        settled = before is not None and now.still(before)
        if settled or not account.probed:
            return replace(account, rounds=rounds, settled=settled)
        before, wanted = now, seen.next_size(wanted)


def save_carried(revision: Revision, source: Source, chosen: Parts, seen: Seen, means: Means) -> Account:
    """The revision holds the described images; now it holds all of them."""
    described = [a for a in revision.assignments() if a.image in chosen]
    clusters = {a.image: a.cluster for a in described}
    rest = [name for name in seen.names if name not in chosen]
    done = carried(seen, chosen, clusters, revision.taxonomy().names, rest, means.wording.min_confidence)
    placed = {a.image: a for a in described} | dict(done.assignments)
    revision.save_items(source.items, source.metadata)
    revision.save_assignments([placed[i.name] for i in source.items if i.name in placed])
    return account_of(means, seen, chosen, done)


def carried_again(revision: Revision, backends: Backends, watch: Watch) -> Account:
    """Step 3 was done again on the described images of a revision: so the others are carried again."""
    items, metadata = revision.items()
    seen = look(items, backends, watch)
    source = Source(items, [], metadata, None, "paths")
    return save_carried(revision, source, revision.sample(), seen, backends.means)


def _grown(before: Parts, size: int, seen: Seen, task: Sampled) -> Parts:
    """Whom to describe, `size` images that differ, those of the round before among them."""
    sample = task.backends.means.sample
    assert sample
    known = seen.units_of(before)
    room = parts(min(size, seen.distinct), len(known))
    cover = Cover(seen.rows[seen.first], seen.counts, sample.seed)
    fresh: list[int] = []
    if room.cover:
        order = cover.first(min(seen.distinct, room.cover + len(known)))
        fresh = [u for u in order if u not in known][: room.cover]
    taken = [*known, *fresh]
    doubt = _doubt(seen, taken, task) if room.uncertain else None
    uncertain = [] if doubt is None else cover.doubtful(doubt, taken, room.uncertain)
    if short := room.uncertain - len(uncertain):  # nobody can say what is in doubt: more of those that cover all
        there = {*taken, *uncertain}
        order = cover.first(min(seen.distinct, short + len(there)))
        fresh += [u for u in order if u not in there][:short]
    whys = {seen.name_of(u): "cover" for u in fresh} | {seen.name_of(u): "uncertain" for u in uncertain}
    learnt = {name: "cover" if why == "audit" else why for name, why in before.items()}
    found = learnt | whys
    left = [i for i in seen.there if int(seen.unit[i]) not in {*taken, *uncertain, *fresh}]
    for i in drawn(len(seen.names), left, room.audit, sample.seed):
        found[seen.names[i]] = "audit"
    units = set(seen.units_of(found))
    for i in seen.there:  # they cost nothing: equal pictures are asked about once
        if int(seen.unit[i]) in units:
            found.setdefault(seen.names[i], "copy")
    return found


def _doubt(seen: Seen, units: Sequence[int], task: Sampled) -> Array | None:
    """[units] how near the two best clusters of each are, by a probe on a first look at these units; None where they
    do not make clusters."""
    wanted = {seen.name_of(u): u for u in units}
    items = [i for i in task.source.items if i.name in wanted]
    with task.watch("describe", len(items)) as tick:
        described, failures = split(task.describer.describe(items, task.criterion, tick))
    check_there(failures)
    reasoner = task.backends.drafting()
    try:
        labels, _ = split(reasoner.label(described, task.criterion))
        own = {x.image for x in labels}
        worded = [d for d in described if d.image in own]
        taxonomy = reasoner.merge(worded, labels, task.criterion, task.k)
        assigned, _ = split(reasoner.assign(worded, taxonomy, task.criterion))
    except IctcError:  # too few say something, for example: the steps will tell
        return None
    place = {name: i for i, name in enumerate(taxonomy.names)}
    there = [a for a in assigned if a.cluster is not None]
    rows = seen.whole[[seen.first[wanted[a.image]] for a in there]]
    groups = np.asarray([place[a.cluster or ""] for a in there], dtype=np.intp)
    if len(np.unique(groups)) < 2:
        return None
    shares = np.sort(train(rows, groups, len(place)).shares(seen.whole[seen.first]), axis=1)
    return 1 - (shares[:, -1] - shares[:, -2])


def _described(revision: Revision, chosen: Parts, seen: Seen, task: Sampled) -> None:
    """The four steps on the sample."""
    source = task.source
    part = replace(
        source,
        items=[i for i in source.items if i.name in chosen],
        failures=[*source.failures, *seen.failures],
    )
    revision.save_sample(chosen, source.items)
    run_steps(revision, part, task.criterion, task.k, task.describer, task.reasoner, task.watch)


@dataclass(frozen=True)
class _Round:
    names: frozenset[str]
    clusters: Mapping[str, str | None]
    disagreement: float | None

    @staticmethod
    def of(revision: Revision, account: Account) -> _Round:
        names = frozenset(map(same_word_key, revision.taxonomy().names))
        return _Round(names, {a.image: a.cluster for a in revision.assignments()}, account.disagreement)

    def still(self, before: _Round) -> bool:
        """Whether the names are the same, or other words for the same clusters, and the audit says the same."""
        if self.disagreement is None or before.disagreement is None:
            return False
        if abs(self.disagreement - before.disagreement) > STILL:
            return False
        return self.names == before.names or _moved(before.clusters, self.clusters) <= STILL


def _moved(before: Mapping[str, str | None], after: Mapping[str, str | None]) -> float:
    """The share of the images that changed their cluster, whatever clusters are called."""
    from scipy.optimize import linear_sum_assignment

    both = [i for i in after if i in before]
    old, new = ({c: n for n, c in enumerate(dict.fromkeys(side[i] for i in both))} for side in (before, after))
    table = np.zeros((len(old), len(new)), dtype=np.int64)
    for i in both:
        table[old[before[i]], new[after[i]]] += 1
    rows, columns = linear_sum_assignment(-table)
    return 1 - float(table[rows, columns].sum()) / max(1, len(both))
