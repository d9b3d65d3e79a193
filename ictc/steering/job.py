"""`refine`: changes to a finished result become a new revision of its run. Nothing of the old one is touched.

Everything is done in memory, and what models answer is in the store before it is used: the revision is written when all
is there. Killed before, the same command finds the answers; killed after, it finds the revision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ictc.errors import UsageError
from ictc.job import Done
from ictc.outlying import cluster_of
from ictc.recording import TRAINED_ON, Timed, account, compare, versions
from ictc.result import Result
from ictc.revision import TAXONOMY, Revision
from ictc.runfolder import RunFolder
from ictc.spending.meter import added
from ictc.spending.totals import since
from ictc.steering.corrections import Add, Anew, Split, in_short, words_of
from ictc.steering.kept import mixed, pins_of
from ictc.steering.work import LATER, Made, Refinement, Work, begun
from ictc.text import command_line
from ictc.types import Stage

_BEFORE_STEP_3: tuple[Stage, ...] = ("image", "describe", "label", "merge")
_CARRIED = ("notes", TRAINED_ON, "cascade", "outliers", "off_list", "sample")
"""What run.json says of a revision that corrections do not change."""


@dataclass(frozen=True, slots=True)
class Refined:
    """The new revision `done`, made of `before`. `left_out`: what did not apply, or shows no more, and why."""

    done: Done
    before: Done
    left_out: Sequence[str] = ()

    @property
    def spent(self) -> dict[str, Any] | None:
        """What models took for it."""
        found: dict[str, Any] | None = self.done.folder.entry(self.done.revision.id).get("spent")
        return found


def refine(asked: Refinement) -> Refined:
    """Make the changes in their order.

    Raises:
        UsageError: one of them cannot be made; nothing is written. StepError, ModelGone, BudgetSpent: as their names
            say; answers are kept, and the same call goes on. RunError: the run cannot be used.
    """
    folder = RunFolder(asked.folder)
    timed = Timed(asked.watch)
    with folder.open_store() as store:
        work = begun(replace(asked, watch=timed), folder, store)
        before = Done(work.result, folder, work.before, reused=True)
        if work.repeated and not work.unfinished:
            return Refined(Done(work.last.result(), folder, work.last, reused=True), before)
        start = asked.meter.to_json()
        noted = work.before
        try:
            made = work.made()
            revision = folder.revision_for(made.settings)
            noted = revision
            reused = revision.is_done(made.settings.key) and not work.repeated
            result = revision.result() if reused else _write(work, made, revision, timed.seconds)
        finally:
            _note_spent(folder, noted, since(asked.meter.to_json(), start))
        if reused:
            folder.note(revision, status="done")  # it may have been killed before this was said
        gone = [f"{in_short(c)}: the new names do not show it any more" for c in made.gone]
        return Refined(Done(result, folder, revision, reused), before, [*made.left_out, *gone])


def undo(folder: Path) -> Refined:
    """Back to the revision that the current one was made of; where it was not refined, to the one before it by number.

    Raises:
        UsageError: there is none.
    """
    run = RunFolder(folder)
    now = run.revision("", finished=True)
    finished = [i for i in run.revision_ids if run.entry(i).get("status") == "done"]
    made = run.entry(now.id).get("refined")
    earlier = made["of"] if made else max((i for i in finished if i < now.id), default="")
    if not earlier:
        later = [i for i in finished if i != now.id]
        again = command_line("refine", str(folder), "--revision", later[-1], "--accept") if later else ""
        raise UsageError(
            f"Revision {now.id} is made of no other: there is nothing to undo.",
            f"Forward again to one of {', '.join(later)}: {again}" if later else "It is the only revision so far.",
        )
    return Refined(go_to(folder, earlier), Done(now.result(), run, now, reused=True))


def go_to(folder: Path, revision_id: str, *, accept: bool = False) -> Done:
    """Make a finished revision the run's current one; `accept` also says in run.json that it is the one wanted.

    Raises:
        RunError: there is no such revision, or it is not finished.
    """
    run = RunFolder(folder)
    with run.locked():
        revision = run.revision(revision_id, finished=True)
        result = revision.result()
        run.record(revision.id, run.settings(revision.id))
        if accept:
            for i in run.revision_ids:
                if run.entry(i).get("accepted") and i != revision.id:
                    run.note(run.revision(i), accepted=False)
            run.note(revision, accepted=True)
    return Done(result, run, revision, reused=True)


def _write(work: Work, made: Made, revision: Revision, seconds: Mapping[str, float]) -> Result:
    """The revision's files, then that it is done; and what they hold."""
    folder = work.folder
    revision.start()
    folder.note(revision, status="started", versions=versions())
    result = _save(work, made, revision)
    _tell(work, made, revision)
    revision.finish(made.settings.key)
    merged = revision.digest_of(TAXONOMY)
    folder.note(revision, seconds=dict(seconds), status="done", counts=result.counts, merged=merged)
    return result


def _save(work: Work, made: Made, revision: Revision) -> Result:
    draft, result = made.draft, made.result
    failed = list(draft.failures.values())
    if result is work.result:
        revision.copy_steps_1_and_2a(work.before)
    else:
        revision.save_items(list(result.items), result.metadata)
        revision.save_descriptions(result.descriptions)
        revision.save_labels(result.labels)
        if work.sample:
            revision.save_sample(work.sample, list(result.items))
        of_labels = [f for f in failed if f.stage == "label"]
        revision.save_failures([*result.failures, *of_labels], _BEFORE_STEP_3)
    revision.save_taxonomy(draft.taxonomy)
    order = {item.name: n for n, item in enumerate(result.items)}
    assignments = sorted(draft.assignments.values(), key=lambda a: order.get(a.image, len(order)))
    revision.save_assignments(assignments)
    revision.save_failures([f for f in failed if f.stage == "assign"], ("assign",))
    rows = [{**row, "revision": row.get("revision", revision.id)} for row in made.rows]
    revision.save_corrections({**r, "lapsed": revision.id} if r.get("lapsed") == LATER else r for r in rows)
    failures = revision.failures()
    return replace(result, taxonomy=draft.taxonomy, assignments=assignments, failures=failures, folder=revision.path)


def _tell(work: Work, made: Made, revision: Revision) -> None:
    """What run.json says: how it was made, and what was found of the clusters as far as that still holds."""
    folder, entry = work.folder, work.folder.entry(work.before.id)
    changes = [*work.asked.changes, *work.asked.carried]
    facts = {key: entry[key] for key in _CARRIED if entry.get(key)}
    if "outliers" in facts:
        facts["outliers"] = {**facts["outliers"], "cluster": cluster_of(made.draft.taxonomy) or ""}
    names = set(made.draft.names)
    facts["same"] = [pair for pair in entry.get("same", ()) if set(pair) <= names]
    facts["mixed"] = mixed(made.rows, _first_criterion(folder, work.before.id))
    facts["pinned"] = [p for p in pins_of(made.rows) if p in names]
    facts["refined"] = {"of": work.before.id, "changes": work.told, "words": words_of(changes)}
    if made.sample is not None:
        facts["sample"] = made.sample.to_json()
    folder.note(revision, **facts)
    if made.reasoner is not None:
        account(folder, revision, made.reasoner)
    if any(isinstance(c, Split | Add | Anew) for c in changes):
        compare(folder, revision, work.backends.embedder())


def _first_criterion(folder: RunFolder, revision: str) -> str:
    """That under which the run was made, before all corrections of this revision."""
    while before := _made_of(folder.entry(revision)):
        revision = before
    return folder.settings(revision).criterion


def _made_of(entry: Mapping[str, Any]) -> str:
    made = entry.get("refined") or {}
    return str(made.get("of") or (entry.get("update") or {}).get("base") or "")


def _note_spent(folder: RunFolder, revision: Revision, usage: Mapping[str, Any]) -> None:
    """With the new revision; what was spent on one that was stopped, with the one that it was to start from."""
    if usage["requests"] or usage["failed"]:
        folder.note(revision, spent=added(folder.entry(revision.id).get("spent"), usage))
