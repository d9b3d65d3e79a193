"""What is made from a finished result: scores with their pictures, and the report. None of it knows the lane."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ictc.behind import result_vectors, truth_of, vectors_if_there
from ictc.errors import UsageError
from ictc.interfaces import Vectors
from ictc.job import Done
from ictc.lane.reasoner import MARK
from ictc.laneruns import lane_metrics, scored_on
from ictc.means import Lane, lane_from_json
from ictc.outlying import is_told
from ictc.pages import write_page
from ictc.progress import Watch, unwatched
from ictc.recording import TRAINED_ON
from ictc.result import Result
from ictc.runfolder import RunFolder
from ictc.scoring import Scores, Truth, confusion_png, score_assignments, write_confusion_csv
from ictc.steering.job import go_to
from ictc.text import command_line

__all__ = ["accept", "last_two", "reopen", "report", "result_vectors", "score", "score_result"]

_SHOWN = 5


def reopen(folder: Path, revision_id: str = "") -> Done:
    """A run that was made before.

    Raises:
        RunError: no such run or revision, or a step is missing; the message names the command to type.
    """
    run_folder = RunFolder(folder)
    revision = run_folder.revision(revision_id, finished=True)
    return Done(revision.result(), run_folder, revision, reused=True)


def last_two(folder: Path) -> tuple[str, str]:
    """The last two finished revisions.

    Raises:
        UsageError: there are not two.
    """
    run = RunFolder(folder)
    done = [i for i in run.revision_ids if run.entry(i).get("status") == "done"]
    if len(done) < 2:
        raise UsageError(
            f"{folder} has {len(done)} finished revision{'' if len(done) == 1 else 's'}; two are needed.",
            f"Make another: {command_line('refine', str(folder))}, or compare with another run: "
            f"{command_line('diff', str(folder), 'OTHER')}",
        )
    return done[-2], done[-1]


def accept(folder: Path, revision_id: str = "", watch: Watch = unwatched) -> tuple[Path, Done]:
    """Say that a finished revision is the one wanted; its report. Raises RunError: there is no such one."""
    done = go_to(folder, revision_id, accept=True)
    return report(done, watch, anew=False), done


def score_result(
    result: Result, truth: str, vectors: Vectors | None = None, off_list: int = 0, lane: Lane | None = None
) -> tuple[Scores, Truth]:
    """The scores of a result, and the truth that is known of it; with the pairing `label` the scores are of the test
    split alone.

    Raises:
        InputError: the truth cannot be read, or matches no image.
    """
    known = truth_of(result, truth)
    by_image = None if vectors is None else {a.image: v for a, v in zip(result.assignments, vectors, strict=True)}
    scores = score_assignments(
        result.predicted(),
        scored_on(lane, known.classes),
        failed={f.image for f in result.failures},
        clusters=result.names,
        vectors=by_image and scored_on(lane, by_image),
        confidences={a.image: a.confidence for a in result.assignments},
        off_list=off_list,
    )
    return scores, known


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
        vectors, why = vectors_if_there(done)
        scores, known = score_result(result, truth, vectors, off_list, lane)
        supervised = lane is not None and lane.supervised
        told = {
            "level": "groups" if groups else "clusters",
            "truth": truth,
            "truth_unknown": len(known.unknown),
            "unknown": known.unknown[:_SHOWN],
            **lane_metrics(lane, done.result, known.classes),
        }
        if why:
            told["remark"] = why
        if flattering := done.folder.entry(done.revision.id).get(TRAINED_ON):
            told[TRAINED_ON] = flattering
        if supervised:  # not those that were shown their class
            told["without_truth"] = len(known.missing)
        metrics = {**scores.to_json(), "k": result.k, **told, "of": done.revision.digest_of("step3_result.jsonl")}
        done.revision.save_file(f"confusion{mark}.png", confusion_png(scores, mark=MARK if supervised else ""))
        write_confusion_csv(done.revision.path / f"confusion{mark}.csv", scores.confusion)
        done.revision.save_file(f"metrics{mark}.json", json.dumps(metrics, indent=2, ensure_ascii=False) + "\n")
    return metrics


def report(done: Done, watch: Watch = unwatched, *, anew: bool = True) -> Path:
    """Write the run's report.html, which has all finished revisions and opens with this one; not `anew`, only where the
    one there is of something else."""
    return write_page(done, watch, anew=anew)
