"""An update from start to end: a new revision in which old images have what they had, and new ones their place.

Like every revision it is found by what was asked: the revision that is updated, its images now, and by what means. So
an update that was killed goes on when it is asked for again, and one that is done is read.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from ictc.backends import Backends
from ictc.errors import StepError
from ictc.fallback import fell_back
from ictc.interfaces import Describer, Noted, Reasoner
from ictc.job import Done
from ictc.outlying import Outliers, cluster_of, found, is_told, outliers_of
from ictc.pipeline import check_there, split
from ictc.progress import AtMost, Watch, unwatched
from ictc.reasoners.cascade.bargain import bargain_of
from ictc.recording import compare, recording
from ictc.revision import CORRECTIONS, RESULT_FILES, Revision
from ictc.runfolder import UPDATED, RunFolder, Settings, digest_inputs
from ictc.spending.meter import Meter
from ictc.types import Assignment, Description, Failure, Label, Stage
from ictc.updating.compared import compared
from ictc.updating.prepare import Asked, Prepared, prepare
from ictc.updating.recount import recounted

UPDATE = "update.json"


@dataclass(frozen=True, slots=True)
class Updated:
    """`done`: the revision that is up to date. `told`: what `update.json` says of how it became so; where `nothing` had
    to be done, what is there now. `failures`: of the images that were looked at, `tried` of them."""

    done: Done
    told: Mapping[str, Any]
    nothing: bool = False
    tried: int = 0
    failures: Sequence[Failure] = field(default_factory=tuple)


def update(asked: Asked, watch: Watch = unwatched, meter: Meter | None = None) -> Updated:
    """Bring the run up to date with its images.

    Raises:
        InputError, UsageError, RunError: see `prepare`. ModelGone, BudgetSpent, StepError, StorageFull: as of a run;
            what was answered is kept, and the same command asks only the rest.
    """
    run = RunFolder(asked.folder)
    with run.open_store() as store:
        made = prepare(asked, run)
        again = False
        if not made.changes.any:
            before = _update_of(run, made.base).get("base", "")
            again = bool(before) and _worth_another_try(run, made.base, made.means.options.retry_failed)
            if not again:
                made.base.refresh_items(made.source.items, made.source.metadata)
                return _nothing(made)
            made = prepare(replace(asked, revision=before), run)
        backends = Backends(made.working, store, meter or Meter())
        describer, reasoner = backends.describer(), backends.beside(made.known)
        settings = _settings(made, describer, reasoner)
        revision = run.revision_for(settings)
        fresh = again or _worth_another_try(run, revision, made.means.options.retry_failed)
        if revision.is_done(settings.key) and not fresh:
            return _read(made, revision, reused=True)
        with recording(run, revision, watch, backends.meter) as timed:
            _fill(made, revision, describer, reasoner, backends, timed)
            compare(run, revision, backends.embedder())
            revision.finish(settings.key)
        return _read(made, revision, reused=False)


def _fill(
    made: Prepared, revision: Revision, describer: Describer, reasoner: Reasoner, backends: Backends, watch: Watch
) -> None:
    """All files of the revision but DONE."""
    criterion = made.result.criterion
    with watch("describe", len(made.todo)) as tick:
        described, undescribed = split(describer.describe(made.todo, criterion, tick) if made.todo else ())
    check_there(undescribed)
    with watch("label", len(described)) as tick:
        labels, unlabelled = split(reasoner.label(described, criterion, tick) if described else ())
    check_there(unlabelled)
    own = {x.image: x.label for x in labels}
    labelled = [d for d in described if d.image in own]
    with watch("assign", len(labelled)) as tick:
        answers = _assigned(made, labelled, reasoner, AtMost(len(labelled), tick))
    assignments, unassigned = split(answers)
    check_there(unassigned)
    assignments = [a if a.evidence else replace(a, evidence=own[a.image]) for a in assignments]
    failures = [*made.source.failures, *made.carried, *undescribed, *unlabelled, *unassigned]
    revision.save_items(made.source.items, made.source.metadata)
    every = _every(made, described, labels, assignments)
    revision.save_descriptions(every.descriptions)
    revision.save_labels(every.labels)
    if sample := made.base.sample():
        whys = {now: sample[old] for now, old in made.stays.items() if old in sample}
        revision.save_sample(whys | dict.fromkeys((d.image for d in described), "new"), made.source.items)
    clusters = {a.image: a.cluster for a in every.assignments}
    revision.save_taxonomy(recounted(made.result.taxonomy, every.labels, clusters))
    revision.save_assignments(every.assignments)
    revision.save_failures(failures, get_args(Stage))
    if made.base.has(CORRECTIONS):
        revision.save_file(CORRECTIONS, (made.base.path / CORRECTIONS).read_bytes())
    failed = {f.image for f in [*undescribed, *unlabelled, *unassigned]}
    told = {
        "base": made.base.id,
        "changes": made.changes.to_json(),
        "again": sorted(made.again),
        "tried": len(made.todo),
        "failed": len(failed),
        **_where(made, assignments, len(failed)),
        **compared(made, labelled, labels, assignments, backends),
    }
    bargain = bargain_of(reasoner)
    if bargain:
        told["cascade"] = bargain.to_json()
    text = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    revision.save_file(UPDATE, text)
    notes = describer.notes(criterion) if isinstance(describer, Noted) else []
    line = f"Update of revision {made.base.id}: {made.changes.line()}."
    odd = _outliers(reasoner, made, every.assignments)
    made.run.note(
        revision,
        notes=[*notes, line],
        outliers=odd.to_json() if odd else None,
        cascade=None,
        mixed=made.run.entry(made.base.id).get("mixed"),
        pinned=made.run.entry(made.base.id).get("pinned", []),
        update={
            "base": made.base.id,
            "passing": bargain.passing if bargain else 0,
            "tried": [i.name for i in made.todo],
        },
    )


@dataclass(frozen=True, slots=True)
class _Every:
    descriptions: list[Description]
    labels: list[Label]
    assignments: list[Assignment]


def _every(
    made: Prepared, described: Sequence[Description], labels: Sequence[Label], assignments: Sequence[Assignment]
) -> _Every:
    """Old and new together, in the order of the images.

    Raises:
        StepError: nothing is assigned.
    """
    texts = {d.image: d for d in made.result.descriptions}
    words = {x.image: x for x in made.result.labels}
    told = {now: replace(texts[old], image=now) for now, old in made.stays.items() if old in texts}
    said = {now: replace(words[old], image=now) for now, old in made.stays.items() if old in words}
    told |= {d.image: d for d in described}
    said |= {x.image: x for x in labels}
    placed = made.assigned | {a.image: a for a in assignments}
    if not placed:
        raise StepError(
            "No image that the run could assign is left, and no new one could be.",
            "Cluster what there is anew: ictc run IMAGES -c CRITERION",
        )
    names = [i.name for i in made.source.items]
    return _Every(
        [told[n] for n in names if n in told],
        [said[n] for n in names if n in said],
        [placed[n] for n in names if n in placed],
    )


def _assigned(
    made: Prepared, labelled: Sequence[Description], reasoner: Reasoner, tick: AtMost
) -> list[Assignment | Failure]:
    """Answers for the new ones; the reasoner sees them among all."""
    if not labelled:
        return []
    known = made.known.descriptions
    answers = reasoner.assign([*known, *labelled], made.result.taxonomy, made.result.criterion, tick)
    return answers[len(known) :]


def _where(made: Prepared, assignments: Sequence[Assignment], failed: int) -> dict[str, Any]:
    """Which clusters have the new images, beside the share that each had of the old."""
    counts = Counter(a.cluster for a in assignments)
    old = Counter(a.cluster for a in made.result.assignments)
    total, before = max(1, len(assignments)), max(1, old.total())
    rows = [
        {
            "cluster": name,
            "images": counts[name],
            "share": round(counts[name] / total, 4),
            "share_before": round(old[name] / before, 4),
        }
        for name in sorted(made.result.names, key=lambda name: -counts[name])
    ]
    return {"unassigned": counts[None], "clusters": rows}


def _outliers(reasoner: Reasoner, made: Prepared, assignments: Sequence[Assignment]) -> Outliers | None:
    """The account of all images: those that were outliers stay so, and of the new ones those that are."""
    odd, choice = outliers_of(reasoner), made.means.wording.outliers
    if choice == "keep":
        return odd
    images = [a.image for a in assignments if is_told(a)]
    return found(images, len(assignments), choice, cluster_of(made.result.taxonomy) or "") if odd or images else None


def _settings(made: Prepared, describer: Describer, reasoner: Reasoner) -> Settings:
    source, means = made.source, made.means
    return replace(
        made.settings,
        images=made.images,
        inputs=digest_inputs([(i.name, i.sha256) for i in source.items] + [(f.image, f.code) for f in source.failures]),
        describer=means.describer,
        describer_fingerprint=describer.fingerprint,
        reasoner=means.reasoner,
        reasoner_fingerprint=reasoner.fingerprint,
        wording=means.wording.to_json(),
        taxonomy=UPDATED + made.base.digest_of(*RESULT_FILES, CORRECTIONS),
    )


def _update_of(run: RunFolder, revision: Revision) -> dict[str, Any]:
    known: dict[str, Any] = run.entry(revision.id).get("update") or {}
    return known


def _worth_another_try(run: RunFolder, revision: Revision, all_failed: bool) -> bool:
    """Whether some of the images that the update looked at failed for a passing reason, or fell back to another lane,
    or questions of a cascade were not answered."""
    known = _update_of(run, revision)
    if not known or not revision.has("failures.jsonl"):
        return False
    tried = set(known.get("tried", ()))
    return (
        bool(known.get("passing"))
        or any((f.retryable or all_failed) and f.image in tried for f in revision.failures())
        or bool(
            fell_back(
                (a for a in revision.assignments() if a.image in tried),
                (d for d in revision.descriptions() if d.image in tried),
            )
        )
    )


def _read(made: Prepared, revision: Revision, reused: bool) -> Updated:
    told = json.loads((revision.path / UPDATE).read_text("utf-8"))
    result = revision.result()
    tried = set(_update_of(made.run, revision).get("tried", ()))
    failures = [f for f in result.failures if f.image in tried or f.image in made.unread]
    done = Done(result, made.run, revision, reused)
    return Updated(done, told, tried=len(tried | made.unread), failures=failures)


def _nothing(made: Prepared) -> Updated:
    done = Done(made.base.result(), made.run, made.base, reused=True)
    failures = [f for f in made.source.failures if f.image in made.unread]
    told = {"base": made.base.id, "changes": made.changes.to_json(), "again": sorted(made.again)}
    return Updated(done, told, nothing=True, tried=len(made.unread), failures=failures)
