"""The library: `cluster` and `score`, with the power of the command line."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ictc import job
from ictc.means import OFFLINE, Means, changed
from ictc.outputs import reopen, result_vectors, score_result
from ictc.progress import Watch, unwatched
from ictc.result import Result
from ictc.scoring import Scores
from ictc.spending.meter import Meter


def cluster(
    images: str | Path | Sequence[str | Path],
    criterion: str,
    k: int | None = None,
    *,
    run: str | Path | None = None,
    describer: str = OFFLINE,
    reasoner: str = OFFLINE,
    watch: Watch = unwatched,
    meter: Meter | None = None,
    **means: Any,
) -> Result:
    """Cluster images by a criterion in words (IC|TC; Kwon et al., ICLR 2024).

    Args:
        images: a folder, glob, list file, imagefolder, `recorded:FILE`, or the image files themselves.
        criterion: what to cluster by, for example `"mood"`.
        k: how many clusters; None chooses, and `result.taxonomy.choice` says why.
        run: a run folder. With one, work that was done before is found again and everything can be looked at with
            `ictc show` and `ictc report`; without, nothing is kept.
        describer: model spec of step 1.
        reasoner: model spec of steps 2a, 2b and 3.
        watch: is told of progress; silent by default.
        meter: counts what models are asked, and keeps to its limits (`ictc.spending.Meter`).
        means: the other fields of `ictc.means.Means`, `Wording` and `ModelOptions`, such as `names`, `concurrency`,
            `fallback="offline"`.

    Returns:
        The result; images that failed are in `result.failures`, the others are clustered.

    Raises:
        TypeError: a name in `means` that is none. UsageError: bad input or options. RunError: the run folder cannot be
            used. StepError: a step gave nothing. ModelGone, BudgetSpent: as their names say; what was answered is
            kept where there is a run folder.
    """
    source = str(images) if isinstance(images, str | Path) else [Path(i) for i in images]
    asked = job.Asked(source, criterion, k, changed(Means(describer, reasoner), means))
    if run is not None:
        return job.run(asked, Path(run), watch, meter).result
    with tempfile.TemporaryDirectory(prefix="ictc-") as folder:
        done = job.run(asked, Path(folder), watch, meter)
        return done.result.without_folder()


def score(result: Result, truth: str = "filename") -> Scores:
    """Score a result against the truth: Hungarian-matched ACC, ARI and NMI, with intervals, per class.

    Args:
        result: what `cluster` gave.
        truth: `filename` (`{number}_{class}.{ext}`), `folder`, `FILE[:COLUMN]`, or a column of the imagefolder's
            metadata.

    Raises:
        InputError: the truth cannot be read, or matches no image.
    """
    if result.folder is None:
        return score_result(result, truth)[0]
    done = reopen(result.folder.parent, result.folder.name)
    return score_result(result, truth, result_vectors(done))[0]
