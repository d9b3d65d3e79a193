"""What `ictc classify` does: a classifier from a run or a folder, new images through it, their classes and scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ictc.classify import saved
from ictc.classify.classifier import NEAREST, Classifier
from ictc.classify.files import check_out, write_predictions
from ictc.classify.fitting import Plan, Wanted, check_method, fit, plan
from ictc.classify.predict import DIGITS, Prediction, probabilities
from ictc.classify.scores import check_named, report_of, write_report
from ictc.embed.beside import store_beside
from ictc.embed.images import CachedImages
from ictc.embedders.opening import open_images
from ictc.errors import InputError, RunError, UsageError
from ictc.images.sources import Source, read_source
from ictc.lane.clusterers import quiet
from ictc.lane.rows import check_rows
from ictc.progress import Watch, unwatched
from ictc.runfolder import RunFolder
from ictc.scoring import read_truth
from ictc.types import Failure


@dataclass(frozen=True, slots=True)
class Classified:
    """`predictions` and `failures` are of the new images; `scores` of them where a truth was given. `known`: how many
    of them the run has too."""

    classifier: Classifier
    predictions: Sequence[Prediction] = ()
    failures: Sequence[Failure] = ()
    scores: Mapping[str, Any] | None = None
    known: int = 0
    files: Sequence[Path] = field(default=())
    saved: Sequence[Path] = field(default=())

    @property
    def counts(self) -> dict[str, int]:
        """How many images each class got."""
        found = Counter(p.class_ for p in self.predictions)
        return {name: found[name] for name in self.classifier.classes}

    @property
    def notes(self) -> list[str]:
        notes = list(self.classifier.notes)
        if self.known:
            more = " Scores of them say little about images that it has not." if self.scores else ""
            notes.append(f"{self.known} of {len(self.predictions)} images are the run's own.{more}")
        if self.scores and (unknown := self.scores["classes_unknown"]):
            notes.append(f"True classes that it does not know, so always wrong: {', '.join(unknown[:5])}.")
        return notes

    def to_json(self) -> dict[str, Any]:
        made = self.classifier
        return {
            "method": made.method,
            "criterion": made.criterion,
            "strategy": made.strategy,
            "embedder": made.embedder,
            "classes": list(made.classes),
            "images": len(self.predictions) + len(self.failures),
            "classified": len(self.predictions),
            "failed": len(self.failures),
            "counts": self.counts,
            "predictions": [p.to_json(made.classes) for p in self.predictions],
            **(self.scores or {}),
            **({"supervised": made.supervised} if made.supervised else {}),
            "notes": self.notes,
            "files": [str(f) for f in self.files],
            "saved": [str(f) for f in self.saved],
        }


def classify(
    folder: Path,
    images: str | Sequence[str | Path] | None,
    wanted: Wanted,
    *,
    out: Path | None = None,
    save: Path | None = None,
    truth: str | None = None,
    watch: Watch = unwatched,
    tell: Callable[[str], None] = quiet,
) -> Classified:
    """Classes of `images` by the run or saved classifier in `folder`, written to `out`; and, with `save`, the
    classifier into a folder. Vectors of new images are kept in the run.

    Raises:
        UsageError and its kinds, RunError: what was given does not go together; told before anything is embedded.
        InputError: no image could be embedded.
    """
    if images is None and (save is None or truth is not None):
        raise UsageError("There are no images to classify.", "Type: ictc classify RUN IMAGES, or RUN --save FOLDER")
    source = read_source(images) if images is not None else None
    if source and out:
        check_out(out)
    if save:
        saved.check_place(save)
    classes = _truth(truth, source) if truth and source else {}
    if saved.is_saved(folder):
        _nothing_else(wanted, save)
        made = saved.load(folder)
        with store_beside(out if source else None) as store:
            spec = wanted.embedder or made.embedder
            embedder = open_images(spec, store, wanted.options, asking=replace(wanted.asking, criterion=made.criterion))
            saved.check_embedder(made, spec, embedder.fingerprint, folder)
            return _done(made, embedder, source, classes, None, out, watch)
    if folder.exists() and not (folder / "run.json").exists():
        raise RunError(
            f"{folder} is neither a run nor a saved classifier.",
            "Make one: ictc cluster IMAGES -o RUN, then: ictc classify RUN NEW_IMAGES",
        )
    planned = plan(folder, wanted)
    with RunFolder(folder).open_store() as store:
        lane, asking = planned.lane, replace(wanted.asking, criterion=planned.result.criterion)
        embedder = open_images(lane.embedder, store, wanted.options, kept=lane.kept, asking=asking)
        made = fit(planned, embedder, watch, tell)
        done = _done(made, embedder, source, classes, planned, out, watch)
    return replace(done, saved=saved.save(made, save)) if save else done


def _truth(spec: str, source: Source) -> Mapping[str, str]:
    names = dict.fromkeys([*(i.name for i in source.items), *(f.image for f in source.failures)])
    return read_truth(spec, list(names), metadata=source.metadata).classes


def _nothing_else(wanted: Wanted, save: Path | None) -> None:
    """Raises UsageError: a saved classifier is what it is."""
    check_method(wanted.method)
    given = {
        "--method": wanted.method,
        "--prompts": wanted.prompts,
        "--strategy": wanted.strategy,
        "--revision": wanted.revision,
        "--train-truth": wanted.train_truth,
        "--save": save,
    }
    if said := [option for option, value in given.items() if value]:
        raise UsageError(f"{said[0]} is for a run, and this is a saved classifier.", f"Leave {said[0]} out.")


def _done(
    made: Classifier,
    embedder: CachedImages,
    source: Source | None,
    classes: Mapping[str, str],
    planned: Plan | None,
    out: Path | None,
    watch: Watch,
) -> Classified:
    if source is None:
        return Classified(made)
    classes, by_name = made.classes_of(classes), made.method != NEAREST
    if classes and by_name:
        check_named(made.classes, classes)
    predictions, failures = _predicted(made, embedder, source, watch)
    own = {i.sha256 for i in planned.items} if planned else set()
    done = Classified(made, predictions, failures, known=sum(p.sha256 in own for p in predictions))
    files = []
    if out:
        write_predictions(out, predictions, failures, made.classes)
        files.append(out)
    if classes:
        failed = [f.image for f in failures]
        scores, told = report_of(predictions, classes, made.classes, failed, by_name=by_name)
        told |= {"supervised": made.supervised} if made.supervised else {}
        files += write_report(out, scores, told) if out else []
        done = replace(done, scores=told)
    return replace(done, files=files)


def _predicted(
    made: Classifier, embedder: CachedImages, source: Source, watch: Watch
) -> tuple[list[Prediction], list[Failure]]:
    with watch("classify", len(source.items)) as tick:
        found = embedder.embed_images(source.items, tick)
    failures = [*source.failures, *(f for f in found if isinstance(f, Failure))]
    there = [(i, v) for i, v in zip(source.items, found, strict=True) if not isinstance(v, Failure)]
    if not there:
        raise InputError(f"None of {len(failures)} images could be classified: {failures[0].message}", "")
    rows = np.stack([v for _, v in there])
    check_rows(rows, [i.name for i, _ in there], zeros=not embedder.joint)
    shares = probabilities(made, rows)
    return [
        Prediction(item.name, item.sha256, made.classes[best], tuple(round(p, DIGITS) for p in row))
        for (item, _), best, row in zip(there, shares.argmax(1).tolist(), shares.tolist(), strict=True)
    ], failures
