"""What is made from a finished result: scores with their pictures, and the report. None of it knows the lane."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ictc.backends import IMPORTED, Backends
from ictc.errors import IctcError, UsageError
from ictc.images.thumbnails import thumbnails
from ictc.interfaces import Vectors
from ictc.job import Done, means_of
from ictc.laneruns import lane_command, lane_metrics, lane_models, scored_on
from ictc.means import OFFLINE, Lane, Wording, lane_from_json, wording_from_json
from ictc.outlying import is_told
from ictc.progress import Watch, unwatched
from ictc.report import ModelUsed, Provenance, build_report, render_html, shown_images
from ictc.result import Result
from ictc.runfolder import RunFolder, Settings
from ictc.scoring import Scores, Truth, confusion_png, read_truth, score_assignments, write_confusion_csv
from ictc.spending.meter import Meter
from ictc.text import command_line

THUMBNAIL = 256
"""Longest side of the report's pictures, in pixels."""

_SHOWN = 5


def reopen(folder: Path, revision_id: str = "") -> Done:
    """A run that was made before.

    Raises:
        RunError: no such run or revision, or a step is missing; the message names the command to type.
    """
    run_folder = RunFolder(folder)
    revision = run_folder.revision(revision_id, finished=True)
    return Done(revision.result(), run_folder, revision, reused=True)


def score_result(
    result: Result, truth: str, vectors: Vectors | None = None, off_list: int = 0, lane: Lane | None = None
) -> tuple[Scores, Truth]:
    """The scores of a result, and the truth they are against.

    Raises:
        InputError: the truth cannot be read, or matches no image.
    """
    known = _truth_of(result, truth)
    known = replace(known, classes=scored_on(lane, [d.image for d in result.descriptions], known.classes))
    by_image = None if vectors is None else {a.image: v for a, v in zip(result.assignments, vectors, strict=True)}
    scores = score_assignments(
        result.predicted(),
        known.classes,
        failed={f.image for f in result.failures},
        clusters=result.names,
        vectors=by_image,
        confidences={a.image: a.confidence for a in result.assignments},
        off_list=off_list,
    )
    return scores, known


def _truth_of(result: Result, truth: str) -> Truth:
    """The truth of all images of a run, those that failed included."""
    names = dict.fromkeys([*(i.name for i in result.items), *sorted(f.image for f in result.failures)])
    return read_truth(truth, list(names), metadata=result.metadata)


def score(done: Done, truth: str, groups: bool = False) -> dict[str, Any]:
    """Score a run; writes metrics.json, confusion.csv and confusion.png into its revision, and gives the metrics.

    `groups`: score its broader groups in place of its clusters, into metrics_groups.json and so on.

    Raises:
        UsageError: there are none.
        InputError: the truth cannot be read, or matches no image.
    """
    if groups and not done.result.groups:
        run = str(done.folder.path)
        raise UsageError(
            f"{run} has no broader groups to score.",
            f"Make them: {command_line('step2b', run, '-k', str(done.result.k), '--levels', '2')}, then "
            f"{command_line('step3', run)}",
        )
    result, mark = (done.result.of_groups(), "_groups") if groups else (done.result, "")
    with done.folder.locked():
        named_none = sum(  # neither the unsure nor the outliers, which have a confidence or say so
            a.cluster is None and a.confidence is None and not is_told(a) for a in done.result.assignments
        )
        off_list = done.folder.entry(done.revision.id).get("off_list", named_none)
        lane = lane_from_json(done.folder.settings(done.revision.id).lane)
        scores, known = score_result(result, truth, result_vectors(done), off_list, lane)
        told = {
            "level": "groups" if groups else "clusters",
            "truth": truth,
            "truth_unknown": len(known.unknown),
            "unknown": known.unknown[:_SHOWN],
            **lane_metrics(lane, done.result, known.classes),
        }
        metrics = {**scores.to_json(), "k": result.k, **told, "of": done.revision.digest_of("step3_result.jsonl")}
        done.revision.save_file(f"confusion{mark}.png", confusion_png(scores))
        write_confusion_csv(done.revision.path / f"confusion{mark}.csv", scores.confusion)
        done.revision.save_file(f"metrics{mark}.json", json.dumps(metrics, indent=2, ensure_ascii=False) + "\n")
    return metrics


def report(done: Done, watch: Watch = unwatched, *, anew: bool = True) -> Path:
    """Write report.html into the run's revision; not `anew`, only where the one there is of something else."""
    made_of = [done.revision.digest_of("DONE", "images.jsonl", "metrics.json"), version("ictc")]
    file = done.revision.path / "report.html"
    if not anew and file.exists() and done.folder.entry(done.revision.id).get("report_of") == made_of:
        return file  # without the lock: also where the folder cannot be written
    with done.folder.locked():
        metrics = done.revision.metrics()
        result = done.result
        wanted = set(shown_images(result))
        with watch("report", len(wanted)) as tick:
            small = thumbnails((i for i in result.items if i.name in wanted), THUMBNAIL)
            tick(len(wanted))
            page = build_report(
                result,
                _provenance(done),
                warnings=[*done.notes, *(f.line() for f in done.findings)],
                scores=metrics,
                truth=_classes(result, metrics),
                vectors=result_vectors(done),
                thumbnails=small,
            )
            done.revision.save_file("report.html", render_html(page))
        done.folder.note(done.revision, report_of=made_of)
    return file


def _classes(result: Result, metrics: dict[str, Any] | None) -> Mapping[str, str] | None:
    """The truth again, to mark images with it; None where its file is gone (the scores stay)."""
    try:
        return _truth_of(result, metrics["truth"]).classes if metrics else None
    except IctcError:
        return None


def result_vectors(done: Done) -> Vectors | None:
    """One vector per assignment, from the store: what the describer measured, or the embedded descriptions."""
    settings = done.folder.settings(done.revision.id)
    texts = {d.image: d for d in done.result.descriptions}
    if settings.reasoner == IMPORTED or not texts:
        return None
    described = [texts[a.image] for a in done.result.assignments]
    with done.folder.open_store() as store:
        backends = Backends(means_of(settings), store, Meter())
        evidence = backends.evidence()
        measured = evidence.evidence(described, done.result.criterion) if evidence else None
        return backends.embedder().embed_texts([d.text for d in described]) if measured is None else measured


def _provenance(done: Done) -> Provenance:
    settings = done.folder.settings(done.revision.id)
    entry = done.folder.entry(done.revision.id)
    run = str(done.folder.path)
    return Provenance(
        command=_command(settings, run),
        next_commands=_next_commands(done, settings),
        models=_models(settings),
        versions=entry.get("versions", {}),
        seconds=entry.get("seconds", {}),
        made=entry.get("asked", ""),
        revision=done.revision.id,
    )


def _models(settings: Settings) -> list[ModelUsed]:
    if lane := lane_from_json(settings.lane):
        return lane_models(settings, lane)
    return [
        ModelUsed("1 describe", settings.describer, settings.describer_fingerprint),
        ModelUsed("2a label, 2b merge, 3 assign", settings.reasoner, settings.reasoner_fingerprint),
    ]


def _command(settings: Settings, run: str) -> str:
    if lane := lane_command(settings, run):
        return lane
    if settings.reasoner == IMPORTED:
        return command_line("import", settings.images, "-c", settings.criterion, "-o", run)
    k = "auto" if settings.k is None else str(settings.k)
    words = ["run", settings.images, "-c", settings.criterion, "-k", k, "-o", run]
    if settings.describer not in (OFFLINE, settings.images):
        words += ["--describer", settings.describer]
    if settings.reasoner != OFFLINE:
        words += ["--reasoner", settings.reasoner]
    return command_line(*words, *_wording(wording_from_json(settings.wording)))


def _wording(wording: Wording) -> list[str]:
    """The options that say it."""
    told = {
        "--prompts": wording.prompts,
        "--names": wording.names,
        "--language": wording.language,
        "--pack": wording.pack if wording.pack > 1 else "",
        "--budget": wording.budget,
        "--min-confidence": wording.min_confidence or "",
        "--outliers": wording.outliers if wording.outliers != "keep" else "",
        "--levels": wording.levels if wording.levels > 1 else "",
        "--groups": wording.groups if wording.levels > 1 else "",
    }
    return [*(["--open"] if wording.open_names else []), *(x for k, v in told.items() if v for x in (k, str(v)))]


def _next_commands(done: Done, settings: Settings) -> list[tuple[str, str]]:
    run = str(done.folder.path)
    commands = []
    if not done.revision.has("metrics.json"):
        commands.append((command_line("score", run, "--truth", "FILE:COLUMN"), "score it against a truth"))
    if settings.reasoner != IMPORTED and not settings.lane:
        again = command_line("run", settings.images, "-c", "another criterion", "-o", run)
        commands.append((again, "cluster the same images by something else; none is looked at twice"))
    return commands
