"""The method, top to bottom: describe, label, merge, assign (IC|TC; Kwon et al., ICLR 2024, Algorithm 1).

Each step reads what the step before wrote and writes its own file, so that running all of them and running them one
by one are the same thing. None of them knows about resuming: unchanged questions find their answers in the store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from ictc.errors import ModelGone, StepError, UsageError
from ictc.images.sources import Source
from ictc.interfaces import Describer, Reasoner
from ictc.progress import Watch
from ictc.revision import Revision
from ictc.types import GONE, Failure

T = TypeVar("T")
_AGAIN = ", with --retry-failed: what a model refused is not asked twice by itself."


def run_steps(
    revision: Revision,
    source: Source,
    criterion: str,
    k: int | None,
    describer: Describer,
    reasoner: Reasoner,
    watch: Watch,
) -> None:
    """All four steps; afterwards the revision holds all result files."""
    step1(revision, source, criterion, describer, watch)
    step2a(revision, criterion, reasoner, watch)
    step2b(revision, criterion, k, reasoner, watch)
    step3(revision, criterion, reasoner, watch)


def step1(revision: Revision, source: Source, criterion: str, describer: Describer, watch: Watch) -> None:
    """Describe every image as far as the criterion asks.

    Raises:
        StepError: not one image could be described.
    """
    with watch("describe", len(source.items)) as tick:
        descriptions, failures = split(describer.describe(source.items, criterion, tick))
    failures = [*source.failures, *failures]
    check_there(failures)
    revision.save_items(source.items, source.metadata)
    revision.save_descriptions(descriptions)
    revision.save_failures(failures, ("image", "describe"))
    if not descriptions:
        raise StepError(
            f"None of the {len(failures)} images could be described ({_tally(failures)}).",
            f"Each reason stands in {revision.path / 'failures.jsonl'}; mend them and run the same command again"
            f"{_AGAIN if any(f.stage == 'describe' and not f.retryable for f in failures) else '.'}",
        )


def step2a(revision: Revision, criterion: str, reasoner: Reasoner, watch: Watch) -> None:
    """Give every description a label that answers the criterion.

    Raises:
        StepError: not one description could be labelled.
    """
    descriptions = revision.descriptions()
    with watch("label", len(descriptions)) as tick:
        labels, failures = split(reasoner.label(descriptions, criterion, tick))
    check_there(failures)
    revision.save_labels(labels)
    revision.save_failures(failures, ("label",))
    if not labels:
        raise StepError(
            f"None of the {len(failures)} descriptions could be labelled ({_tally(failures)}).",
            f"Each reason stands in {revision.path / 'failures.jsonl'}; mend them and run the same command again"
            f"{_AGAIN if any(not f.retryable for f in failures) else '.'}",
        )


def step2b(revision: Revision, criterion: str, k: int | None, reasoner: Reasoner, watch: Watch) -> None:
    """Merge the labels into K names (K chosen by the reasoner when None).

    Raises:
        UsageError: K is larger than the number of labelled images.
        StepError: the labels do not give K distinct names.
    """
    check_enough(k, revision)
    labels = revision.labels()
    labelled = {x.image for x in labels}
    descriptions = [d for d in revision.descriptions() if d.image in labelled]
    with watch("merge", len(labels)) as tick:
        taxonomy = reasoner.merge(descriptions, labels, criterion, k)
        tick(len(labels))
    revision.save_taxonomy(taxonomy)
    revision.save_failures((), ("merge",))


def check_enough(k: int | None, revision: Revision) -> None:
    """Raises UsageError where K is larger than the number of labelled images."""
    labelled = len(revision.labels())
    if k is not None and k > labelled:
        raise UsageError(
            f"K is {k}, but there are only {labelled} images to cluster.", f"Ask for -k {labelled} or fewer."
        )


def step3(revision: Revision, criterion: str, reasoner: Reasoner, watch: Watch) -> None:
    """Assign every labelled image to one of the names.

    Raises:
        ModelGone: the model cannot be reached, or refuses to answer any more.
    """
    taxonomy = revision.taxonomy()
    labelled = {x.image: x.label for x in revision.labels()}
    descriptions = [d for d in revision.descriptions() if d.image in labelled]
    with watch("assign", len(descriptions)) as tick:
        assignments, failures = split(reasoner.assign(descriptions, taxonomy, criterion, tick))
    check_there(failures)
    revision.save_assignments([a if a.evidence else replace(a, evidence=labelled[a.image]) for a in assignments])
    revision.save_failures(failures, ("assign",))


def check_there(failures: Sequence[Failure]) -> None:
    """Raises ModelGone where a model answered nothing more: the rest is to be asked again, not to be done without.

    Called before anything is written: what was answered is in the store, and files of an earlier try stay whole.
    """
    gone = [f for f in failures if f.code in GONE]
    if gone:
        raise ModelGone(
            f"{gone[0].message} ({gone[0].code}; {len(gone)} of the images were not asked).",
            "What was answered is kept. Mend it and run the same command again: only the rest is asked. "
            "Or have it done without: --fallback offline",
        )


def split(results: Iterable[T | Failure]) -> tuple[list[T], list[Failure]]:
    """Results and failures apart, each in order."""
    done: list[T] = []
    failed: list[Failure] = []
    for r in results:
        if isinstance(r, Failure):
            failed.append(r)
        else:
            done.append(r)
    return done, failed


def _tally(failures: Sequence[Failure]) -> str:
    return ", ".join(f"{code}: {n}" for code, n in Counter(f.code for f in failures).most_common())
