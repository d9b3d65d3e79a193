"""What a job would ask of models and cost, before anything is asked (`--dry-run`). Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ictc.asking import text_fingerprint
from ictc.backends import RECORDED, Backends, calls_models, check_wording
from ictc.embed.images import CachedImages
from ictc.embedders.described import NAME as DESCRIBED
from ictc.embedders.described import parts_of
from ictc.errors import RunError, StepError
from ictc.images.sources import Source
from ictc.interfaces import Describer, Model, Tick, no_tick
from ictc.job import Asked, as_it_stands, check_size, means_of, resolve
from ictc.means import OFFLINE, changed
from ictc.means import Lane as EmbeddingLane
from ictc.outlying import without
from ictc.pipeline import split
from ictc.reasoners.cascade.plan import parse_budget
from ictc.reasoners.held import Known
from ictc.reasoners.words import says_something
from ictc.runfolder import RunFolder
from ictc.sampling.plan import parse_size
from ictc.spending.counting import Counting
from ictc.spending.dryrun import AUTO_K, describing_step, estimate, invented, naming_step
from ictc.spending.estimate import Embeds, Estimate, Lane, StepEstimate
from ictc.spending.meter import Meter
from ictc.spending.prices import Price, parse_prices, price_of
from ictc.store import Store
from ictc.types import Description, Failure, Item, Stage


def plans(asked: Sequence[Asked], folder: Path) -> list[Estimate]:
    """As `plan`, for several criteria; where one look at an image answers all, it counts for the first alone."""
    found = [plan(one, folder) for one in asked]
    for i, one in enumerate(asked[1:], 1):
        if one.means.together and calls_models(one.means.describer) and not one.means.describer.startswith("hf:"):
            found[i] = replace(found[i], steps=[StepEstimate("describe", found[i].steps[0].lane), *found[i].steps[1:]])
    return found


def plan_step(folder: Path, revision_id: str, stage: Stage, given: Mapping[str, Any]) -> Estimate:
    """What one of the steps after the first would ask, on a run that is there."""
    run = RunFolder(folder)
    revision = run.revision(revision_id)
    settings = run.settings(revision.id)
    means = changed(means_of(settings), given)
    check_wording(means.wording, means.reasoner)
    asked = Asked([], settings.criterion, settings.k or None, means)
    known = revision.descriptions()
    with _store(folder) as store:
        lane, backends = lane_of(means.reasoner, _asking_all(asked), store)
        if means.lane:
            step = _naming(asked, lane, backends) if stage == "merge" else StepEstimate(stage, Lane(spec=OFFLINE))
            return Estimate([step], means.options.concurrency, means.options.rpm)
        items = [Item(d.image, sha256=d.sha256) for d in known]
        reasoner, grouper = backends.reasoner(), backends.grouper()
        groups = means.wording.groups
        found = estimate(items, asked.criterion, asked.k, _Nobody(), reasoner, Lane(), lane, known, grouper, groups)
        steps = [step for step in _within(found, asked, _saying(known)).steps if step.stage == stage]
        return replace(found, steps=steps, concurrency=means.options.concurrency, rpm=means.options.rpm)


class _Nobody:
    """Stands where the descriptions are there."""

    fingerprint = ""

    def describe(self, items: Sequence[Item], criterion: str, tick: Tick = no_tick) -> list[Description | Failure]:
        return []


def plan(asked: Asked, folder: Path) -> Estimate:
    """What `job.run` would ask now, given what the run's store holds.

    Raises:
        UsageError: bad input or options, as `job.run`.
    """
    asked, source = resolve(asked)
    if asked.means.lane:
        check_size(asked.k, source)
        return _lane_plan(asked, asked.means.lane, source, folder)
    return _sampled_plan(asked, source, folder) if asked.means.sample else plan_items(asked, source.items, folder)


def _sampled_plan(asked: Asked, source: Source, folder: Path) -> Estimate:
    """Of a run on a sample. Which images are described hangs on vectors that may not be there yet, and on a first look:
    what they cost is that of as many, spread evenly; where the run has been made, of those that were described."""
    sample, n = asked.means.sample, len(source.items)
    assert sample
    size = parse_size(sample.size)
    with _store(folder) as store:
        backends = Backends(asked.means, store, Meter())
        missing = backends.sample_embedder().missing(source.items)
        known = _sample_of(folder, asked, source)
    lacking = len({i.sha256 or i.name for i in missing})
    wanted = size.of(n, asked.k)
    some = [source.items[i * n // wanted] for i in range(wanted)]
    found = plan_items(asked, [i for i in source.items if i.name in known] if known else some, folder)
    remarks = [] if known else [
        f"{wanted:,} of {n:,} images would be described; which ones is known when all are embedded.",
        *(["--sample auto goes on from there, twice as many each time, until names and audit no longer change; at most "
           "to all images. --max-calls or --max-cost stop it."] if size.auto else []),
    ]  # fmt: skip
    embeds = Embeds(sample.embedder, n, n - len(missing), lacking)
    return replace(found, embeds=embeds, remarks=[*found.remarks, *remarks])


def _sample_of(folder: Path, asked: Asked, source: Source) -> dict[str, str]:
    """Who was described, where the run is made already."""
    if not (folder / "run.json").exists() or (done := as_it_stands(asked, source, folder)) is None:
        return {}
    return done.revision.sample()


def plan_items(
    asked: Asked, items: Sequence[Item], folder: Path, known: Sequence[Description] | None = None
) -> Estimate:
    """As `plan`, for images of the criterion lane that are known already. `known`: descriptions that stand."""
    means = replace(asked.means, fallback=None)
    with _store(folder) as store:
        describing, describer = (Lane(), None) if known is not None else lane_of(means.describer, asked, store)
        reasoning, reasoner = lane_of(means.reasoner, _asking_all(asked), store)
        made: Describer = describer.describer() if describer else _Nobody()
        if known is None and means.describer.startswith(RECORDED):
            known = split(made.describe(items, asked.criterion))[0]
        elif known is None and describing.counting is None:
            known = _described(folder, asked)
        found = estimate(
            items,
            asked.criterion,
            asked.k,
            made,
            reasoner.reasoner(),
            describing,
            reasoning,
            known,
            reasoner.grouper(),
            means.wording.groups,
        )
        found = _within(found, asked, len(items) if known is None else _saying(known))
        return replace(found, concurrency=means.options.concurrency, rpm=means.options.rpm)


def plan_later(asked: Asked, items: Sequence[Item], known: Known, folder: Path) -> Estimate:
    """What would be asked about images that come later to a run whose names stay (`ictc.updating`)."""
    means, n = replace(asked.means, fallback=None), len(items)
    with _store(folder) as store:
        if means.lane:
            lacking = _unembedded(
                asked, Source(list(items), [], {}, None, "paths"), folder, Backends(means, store, Meter())
            )
            embeds = Embeds(means.lane.embedder, n, n - len(lacking), len(set(lacking)), False)
            steps = [_describing(asked, means.lane, items, folder)]
            return Estimate(steps, means.options.concurrency, means.options.rpm, embeds)
        describing, describer = lane_of(means.describer, asked, store)
        reasoning, reasoner = lane_of(means.reasoner, _asking_all(asked), store)
        made = describer.describer()
        told = split(made.describe(items, asked.criterion))[0] if means.describer.startswith(RECORDED) else None
        names = without(known.taxonomy)
        beside = reasoner.beside(known)
        found = estimate(items, asked.criterion, None, made, beside, describing, reasoning, told, names=names)
        if means.wording.budget:
            most = parse_budget(means.wording.budget).later(n if told is None else _saying(told))
            limits = {"label": 0, "assign": most}
            found = replace(found, steps=[s.at_most(limits.get(s.stage, n)) for s in found.steps])
        steps = [step for step in found.steps if step.stage != "merge"]
        return replace(found, steps=steps, concurrency=means.options.concurrency, rpm=means.options.rpm)


def _lane_plan(asked: Asked, lane: EmbeddingLane, source: Source, folder: Path) -> Estimate:
    """Of the embedding lane: what would be embedded, and what a model is asked that names the clusters."""
    done = not lane.recompute and (folder / "run.json").exists() and as_it_stands(asked, source, folder) is not None
    with _store(folder) as store:
        naming, backends = lane_of(asked.means.reasoner, asked, store)
        lacking = [] if done else _unembedded(asked, source, folder, Backends(asked.means, store, Meter()))
        merge = StepEstimate("merge", naming) if done else _naming(asked, naming, backends)
    n = len(source.items)
    embeds = Embeds(lane.embedder, n, n - len(lacking), len(set(lacking)), done)
    steps = [_describing(asked, lane, [] if done else source.items, folder), merge]
    return Estimate(steps, asked.means.options.concurrency, asked.means.options.rpm, embeds)


def _describing(asked: Asked, lane: EmbeddingLane, items: Sequence[Item], folder: Path) -> StepEstimate:
    """What a model is asked about images that are embedded by what it says of them."""
    kind, _, argument = lane.embedder.partition(":")
    spec = parts_of(argument)[0] if kind == DESCRIBED else ""
    if not calls_models(spec) or asked.means.describer != OFFLINE:  # or texts stand for the images
        return StepEstimate("describe", Lane(spec=lane.embedder))
    with _store(folder) as store:
        describing, backends = lane_of(spec, asked, store)
        made = backends.describer_of(spec)
        return describing_step(items, asked.criterion, made, describing)[0]


def _naming(asked: Asked, naming: Lane, backends: Backends) -> StepEstimate:
    """What a model is asked that names the clusters of the embedding lane."""
    if naming.counting is None:
        return StepEstimate("merge", naming)
    prompts = asked.means.lane.prompt_set if asked.means.lane else None
    k = asked.k or (len(prompts.classes) if prompts else AUTO_K)
    with suppress(StepError):  # it answers nothing, and counts
        backends.namer()(*invented(k, asked.criterion))
    return naming_step(naming, naming.counting.taken(), k)


def _unembedded(asked: Asked, source: Source, folder: Path, backends: Backends) -> list[str]:
    """The contents of the images (or, where texts stand for them, the descriptions) that have no stored vector."""
    placer = backends.placer()
    if isinstance(placer.embedder, CachedImages) and not placer.texts_only:
        return [i.sha256 or i.name for i in placer.embedder.missing(source.items)]
    known: Sequence[Description] | None = _described(folder, asked)
    if asked.means.describer.startswith(RECORDED):
        known = split(backends.describer().describe(source.items, asked.criterion))[0]
    if known is None:
        return [i.sha256 or i.name for i in source.items]
    return placer.embedder.missing_texts([d.text for d in known])


def _asking_all(asked: Asked) -> Asked:
    """The same without a cascade: what one asks about hangs on answers that are not there yet."""
    wording = replace(asked.means.wording, budget="")
    return replace(asked, means=replace(asked.means, wording=wording))


def _saying(known: Sequence[Description]) -> int:
    return sum(says_something(d.text) for d in known)


def _within(found: Estimate, asked: Asked, n: int) -> Estimate:
    """The same with no step above what a cascade's budget lets it ask about `n` descriptions that say something."""
    wording = asked.means.wording
    if not wording.budget:
        return found
    closed = wording.names is not None and not wording.open_names
    most = parse_budget(wording.budget).plan(n, closed, wording.levels, wording.pack)
    limits = {"label": most.label, "merge": most.merge, "assign": most.assign}
    return replace(found, steps=[s.at_most(limits[s.stage]) if s.stage in limits else s for s in found.steps])


def lane_of(spec: str, asked: Asked, store: Store) -> tuple[Lane, Backends]:
    """Who does a step, and backends in which a model of it only counts."""
    backends = Backends(asked.means, store, Meter())
    if not calls_models(spec):
        return Lane(spec=spec), backends
    options = asked.means.options
    price: Price = price_of(spec, parse_prices(asked.means.prices), batch=options.batch)
    model: Model = backends.bare_model(spec)
    counting = Counting(model.fingerprint, price.pictures, options.image_side, text_fingerprint(model))
    return Lane(counting, price, spec), replace(backends, stand_in=counting)


def _described(folder: Path, asked: Asked) -> list[Description] | None:
    """The descriptions of the run's last revision under this criterion, where it has any."""
    try:
        run = RunFolder(folder)
        for revision_id in reversed(run.revision_ids):
            revision, settings = run.revision(revision_id), run.settings(revision_id)
            same = (settings.criterion, settings.describer) == (asked.criterion, asked.means.describer)
            same = same and (settings.sample is None or asked.means.sample is not None)
            if same and revision.has("step1_result.jsonl"):
                return revision.descriptions()
    except RunError:
        pass
    return None


@contextmanager
def _store(folder: Path) -> Iterator[Store]:
    """The run's store where there is one, else an empty one that nobody keeps."""
    if (folder / "run.json").exists():
        with RunFolder(folder).open_store() as store:
            yield store
    else:
        with Store(None) as store:
            yield store
