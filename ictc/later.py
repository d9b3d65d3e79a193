"""The steps after the first, one by one, on a run that is there: the same steps as of a whole job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ictc.backends import Backends, check_names, check_recorded, check_specs, check_wording
from ictc.interfaces import Reasoner
from ictc.job import Done, check_k, means_of
from ictc.means import OFFLINE, changed, wording_from_json
from ictc.outlying import fitted
from ictc.pipeline import check_enough, step2a, step2b, step3
from ictc.progress import Watch, unwatched
from ictc.recording import account, carry_notes, compare, recording
from ictc.revision import LABELS, TAXONOMY, Revision
from ictc.runfolder import UPDATED, RunFolder, Settings
from ictc.sampling.running import carried_again
from ictc.spending.meter import Meter

_LEFT = "labels:"


@dataclass(frozen=True, slots=True)
class Later:
    """How a run is gone on with: which revision, and what is to be other than step 1 was told (see `means.changed`)."""

    folder: Path
    revision: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)
    watch: Watch = unwatched
    meter: Meter = field(default_factory=Meter)


def label(later: Later) -> tuple[RunFolder, Revision]:
    """Step 2a on a run that has step 1. Another reasoner than before makes a new revision."""
    with _reopened(later) as (run_folder, before, settings, reasoner, _):
        revision = before
        known = run_folder.settings(before.id)
        if before.has(LABELS) and (_another(later, settings, known) or known.corrections):
            revision = run_folder.revision_for(replace(settings, k=0, taxonomy=""))
            revision.copy_step_1(before)
            carry_notes(run_folder, before, revision)
        else:
            run_folder.record(revision.id, settings)
        with recording(run_folder, revision, later.watch, later.meter) as timed:
            step2a(revision, settings.criterion, reasoner, timed)
        return run_folder, revision


def merge(later: Later, k: int | None) -> tuple[RunFolder, Revision]:
    """Step 2b on a run that has step 2a. Another K or reasoner makes a new revision and leaves the old one."""
    check_k(k)
    with _reopened(later) as (run_folder, before, settings, reasoner, _):
        check_names(wording_from_json(settings.wording), k)
        check_enough(k, before)
        inherited = _inherited(later, settings, run_folder.settings(before.id), before)
        revision = run_folder.revision_for(replace(settings, k=k, taxonomy=inherited))
        if revision.id != before.id:
            revision.copy_steps_1_and_2a(before)
            carry_notes(run_folder, before, revision)
        with recording(run_folder, revision, later.watch, later.meter) as timed:
            step2b(revision, settings.criterion, k, reasoner, timed)
        run_folder.note(revision, merged=revision.digest_of(TAXONOMY))
        return run_folder, revision


def assign(later: Later) -> Done:
    """Step 3 on a run that has step 2b; then the revision is done.

    Names that a person wrote into step2b_result.json are used, in a revision of their own: it is another question.
    So is another reasoner, and so it is to assign again what an update left where it was.
    """
    with _reopened(later) as (run_folder, revision, settings, reasoner, backends):
        revision.taxonomy()
        found, merged = revision.digest_of(TAXONOMY), run_folder.entry(revision.id).get("merged")
        known = run_folder.settings(revision.id)
        if (
            (merged and found not in (merged, settings.taxonomy))
            or _another(later, settings, known)
            or known.corrections
            or known.taxonomy.startswith(UPDATED)
        ):
            settings = replace(settings, taxonomy=found)
        if settings.key != known.key:
            before, revision = revision, run_folder.revision_for(settings)
            if revision.id != before.id:
                revision.copy_steps_1_and_2a(before)
                carry_notes(run_folder, before, revision)
                revision.save_file(TAXONOMY, (before.path / TAXONOMY).read_bytes())
        run_folder.record(revision.id, settings)
        taxonomy = revision.taxonomy()
        if (wanted := fitted(taxonomy, settings.wording["outliers"])) is not taxonomy:
            revision.save_taxonomy(wanted)
        with recording(run_folder, revision, later.watch, later.meter) as timed:
            step3(revision, settings.criterion, reasoner, timed)
            if settings.sample:
                run_folder.note(revision, sample=carried_again(revision, backends, timed).to_json())
            account(run_folder, revision, reasoner)
            compare(run_folder, revision, backends.embedder())
            revision.finish(settings.key)
        return Done(revision.result(), run_folder, revision, reused=False)


@contextmanager
def _reopened(later: Later) -> Iterator[tuple[RunFolder, Revision, Settings, Reasoner, Backends]]:
    run_folder = RunFolder(later.folder)
    with run_folder.open_store() as store:
        revision = run_folder.revision(later.revision)
        known = run_folder.settings(revision.id)
        means = changed(means_of(known), later.given)
        check_specs(OFFLINE, means.reasoner)
        if means.reasoner == known.reasoner and "reasoner" not in later.given:
            check_recorded(known.reasoner)
        check_wording(means.wording, means.reasoner)
        backends = Backends(means, store, later.meter)
        reasoner = backends.reasoner()
        settings = replace(
            known,
            reasoner=means.reasoner,
            reasoner_fingerprint=reasoner.fingerprint,
            wording=means.wording.to_json(),
            corrections="",  # a step that is done again is done for all images: what was corrected stays where it is
        )
        own = not known.corrections and not known.taxonomy.startswith(UPDATED)
        if not later.given and own:  # a newer ictc goes on where an older one stopped
            run_folder.record(revision.id, settings)
        yield run_folder, revision, settings, reasoner, backends


def _another(later: Later, settings: Settings, known: Settings) -> bool:
    """Whether somebody else is asked for than made the steps before (a newer ictc is nobody else)."""
    return bool(later.given) and settings.reasoner_fingerprint != known.reasoner_fingerprint


def _inherited(later: Later, settings: Settings, known: Settings, before: Revision) -> str:
    """The digest of labels that another reasoner left: names made from them are no whole job of this one."""
    if known.taxonomy.startswith((_LEFT, UPDATED)) or _another(later, settings, known):
        return _LEFT + before.digest_of(LABELS)
    return ""
