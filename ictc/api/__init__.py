"""The library, with the power of the command line. `cluster` is `ictc run`, `cluster_by_vectors` is `ictc cluster`."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ictc import job
from ictc.analysis import job as analysis
from ictc.classify.fitting import Wanted
from ictc.classify.job import Classified, classify
from ictc.lane.promptfile import prompts_in, read_prompts
from ictc.maps import job as maps
from ictc.means import OFFLINE, SHOWN, Lane, Means, changed
from ictc.outputs import reopen, result_vectors, score_result
from ictc.progress import Watch, unwatched
from ictc.report.map import MAX_POINTS
from ictc.result import Result
from ictc.scoring import Scores
from ictc.spending.meter import Meter
from ictc.updating.job import Updated, update
from ictc.updating.prepare import Asked


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
    asked = job.Asked(_source(images), criterion, k, changed(Means(describer, reasoner), means))
    return _result(asked, run, watch, meter)


def cluster_by_vectors(
    images: str | Path | Sequence[str | Path],
    k: int | None = None,
    *,
    run: str | Path | None = None,
    embedder: str = OFFLINE,
    prompts: str | Path | Mapping[str, Any] | None = None,
    strategy: str | None = None,
    pairing: str = "best",
    fusion: str | None = None,
    weight: float | None = None,
    space: str = "evened",
    clusterer: str = "kmeans",
    params: Mapping[str, object] | None = None,
    seed: int = 0,
    truth: str = "",
    recompute: bool = False,
    criterion: str = SHOWN,
    reasoner: str = OFFLINE,
    watch: Watch = unwatched,
    meter: Meter | None = None,
    **means: Any,
) -> Result:
    """Cluster images by their vectors, with or without prompts fused into them (docs/embedding.md).

    Args:
        images, run, watch, meter, means: as of `cluster`.
        k: how many clusters; None takes the number of the prompts' classes, else chooses.
        embedder: whose vectors, such as `"offline"` or `"clip:FOLDER"`.
        prompts: a TOML file with classes and prompts, or what such a file holds: `{"classes": ["cat", "dog"]}`.
        strategy: which prompts; None: `"task"` where there are prompts, else `"image-only"`.
        pairing, fusion, weight, space: see docs/embedding.md; a weight alone means the fusion `"sum"`.
        clusterer, params: its name, or `"package.module:Class"`, and its parameters.
        truth: of the pairing `"label"` alone, which is supervised.
        recompute: embed again what a run has.
        criterion: what the prompts of the strategy `"criterion"` ask for.
        reasoner: model spec of who names the clusters.

    Returns, raises: as `cluster`; also InputError for the prompts.
    """
    found, file = None, None
    if isinstance(prompts, Mapping):
        found = prompts_in(prompts, "prompts")
    elif prompts is not None:
        file = Path(prompts)
        found = read_prompts(file)
    lane = Lane(
        embedder=embedder,
        prompts=file,
        prompt_set=found,
        strategy=strategy or ("image-only" if found is None else "task"),
        pairing=pairing,
        fusion=fusion or ("mean" if weight is None else "sum"),
        weight=0.5 if weight is None else weight,
        space=space,
        clusterer=clusterer,
        params=tuple((name, str(value)) for name, value in (params or {}).items()),
        seed=seed,
        truth=truth if pairing == "label" else "",
        recompute=recompute,
    )
    asked = job.Asked(_source(images), criterion, k, changed(Means(reasoner=reasoner, lane=lane), means))
    return _result(asked, run, watch, meter)


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


def classify_images(
    run: str | Path,
    images: str | Path | Sequence[str | Path],
    *,
    method: str | None = None,
    revision: str = "",
    prompts: str | Path | None = None,
    strategy: str | None = None,
    embedder: str | None = None,
    train_truth: str | None = None,
    truth: str | None = None,
    out: str | Path | None = None,
    save: str | Path | None = None,
    watch: Watch = unwatched,
) -> Classified:
    """Put new images into the classes or clusters of a run (`ictc classify`, docs/embedding.md).

    Args:
        run: a run folder, or a classifier that was saved.
        images: as of `cluster`.
        method: `"zero-shot"`, `"aligned"` or `"nearest"`; None: the first where the run has prompts, else the last.
        revision, prompts, strategy, embedder: others than the run's.
        train_truth: the true classes of the run's images, from which `"aligned"` learns.
        truth: the true classes of the new images; scores them.
        out: a file for the predictions, .jsonl or .csv. save: a folder for the classifier.

    Returns:
        `predictions` with a probability for every class, `failures`, and `scores` where a truth was given.

    Raises:
        UsageError and its kinds, RunError: bad input. InputError: no image could be embedded.
    """
    wanted = Wanted(method, revision, Path(prompts) if prompts else None, strategy, embedder, train_truth)
    file, folder = (Path(path) if path else None for path in (out, save))
    return classify(Path(run), _source(images), wanted, out=file, save=folder, truth=truth, watch=watch)


def update_run(
    run: str | Path,
    images: str | Path | Sequence[str | Path] = "",
    *,
    revision: str = "",
    watch: Watch = unwatched,
    meter: Meter | None = None,
    **means: Any,
) -> Updated:
    """Bring a run up to date with its images (`ictc update`, docs/update.md): new and changed ones go to the clusters
    that there are, all others keep what they have.

    Args:
        run: a run folder.
        images: all the images there are now, as of `cluster`; "": where the run's images came from.
        revision: the revision to update; "": the last finished.
        watch: is told of progress; silent by default.
        meter: counts what models are asked, and keeps to its limits.
        means: what is to be other than the run was told, such as `reasoner`, `budget`, `concurrency`.

    Returns:
        `done.result`, and `told`: what changed, where the new images are, drift, and perhaps a cluster to add.

    Raises:
        As `cluster` does, and InputError: none of the run's images is left.
    """
    return update(Asked(Path(run), _source(images), revision, means), watch, meter)


def draw_map(
    run: str | Path | Sequence[str | Path],
    *,
    revisions: Sequence[str] = (),
    method: str = "tsne",
    truth: str | None = None,
    out: str | Path | None = None,
    sample: int = MAX_POINTS,
    seed: int = 0,
    watch: Watch = unwatched,
) -> Path:
    """Draw where the images of a run lie, of several runs or revisions side by side (`ictc map`); the file, PNG or SVG.

    Raises:
        UsageError, RunError, InputError: bad input. MissingExtra: the method's package is not installed.
    """
    runs = [Path(run)] if isinstance(run, str | Path) else [Path(one) for one in run]
    asked = maps.Asked(method, seed, truth, sample)
    return Path(maps.draw_maps(runs, revisions, asked, Path(out) if out else None, watch)["file"])


def analyze(
    run: str | Path,
    *,
    revision: str = "",
    truth: str | None = None,
    near: float = 0.98,
    sample: int = 20_000,
    tsne: bool = False,
    seed: int = 0,
    watch: Watch = unwatched,
) -> dict[str, Any]:
    """What a run's clusters are like (`ictc analyze`): silhouettes, words, outliers, neighbours, duplicates. It is what
    the analysis.json holds that is written too.

    Raises:
        UsageError, RunError: the run has no vectors, or is none. InputError: the truth.
    """
    asked = analysis.Asked(truth, near, sample, tsne, seed=seed)
    return analysis.analyze(reopen(Path(run), revision), asked, watch)


def _source(images: str | Path | Sequence[str | Path]) -> str | list[Path]:
    return str(images) if isinstance(images, str | Path) else [Path(i) for i in images]


def _result(asked: job.Asked, run: str | Path | None, watch: Watch, meter: Meter | None) -> Result:
    if run is not None:
        return job.run(asked, Path(run), watch, meter).result
    with tempfile.TemporaryDirectory(prefix="ictc-") as folder:
        return job.run(asked, Path(folder), watch, meter).result.without_folder()
