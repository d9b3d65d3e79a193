"""How right the classes are, where the truth is known: a classification report and a confusion matrix."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ictc.classify.predict import Prediction
from ictc.errors import InputError
from ictc.files import write_atomic
from ictc.scoring import Scores, confusion_png, score_assignments, write_confusion_csv

_DIGITS = 6


def report_of(
    predictions: Sequence[Prediction],
    truth: Mapping[str, str],
    classes: Sequence[str],
    failed: Sequence[str],
    *,
    by_name: bool,
) -> tuple[Scores, dict[str, Any]]:
    """The scores, and as JSON: `acc` is the share of images that are right, failed ones being wrong. `by_name`: a class
    is right where it has the name of the true one; else the names are those of clusters, and each stands for a class
    by the best one-to-one match. `macro_f1` is the mean over the classes, `weighted_f1` that over the images.

    Raises:
        InputError: none of the images has a class.
    """
    scores = score_assignments(
        {p.image: p.class_ for p in predictions},
        truth,
        failed=failed,
        clusters=classes,
        confidences={p.image: p.probability for p in predictions},
        by_name=by_name,
    )
    rows = scores.per_class
    told = {
        "matched_by": "name" if by_name else "overlap",
        "macro_f1": round(sum(c.f1 for c in rows) / len(rows), _DIGITS),
        "weighted_f1": round(sum(c.f1 * c.n for c in rows) / scores.n, _DIGITS),
        "classes_unknown": sorted({c.class_ for c in rows} - set(classes)) if by_name else [],
    }
    return scores, {**told, **scores.to_json()}


def check_named(classes: Sequence[str], truth: Mapping[str, str]) -> None:
    """Raises InputError where no true class has the name of a class: all would be wrong."""
    if not set(classes) & set(truth.values()):
        raise InputError(
            f"None of the true classes ({_shown(sorted(set(truth.values())))}) is one of those that there are: "
            f"{_shown(classes)}.",
            "Name both alike. Clusters whose names are not those of classes: --method nearest",
        )


def write_report(file: Path, scores: Scores, told: Mapping[str, Any]) -> list[Path]:
    """Beside the predictions in `file`: the metrics, and the confusion matrix as a table and as a picture."""
    metrics, table, picture = (
        file.with_name(f"{file.stem}_{end}") for end in ("metrics.json", "confusion.csv", "confusion.png")
    )
    write_atomic(metrics, json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    write_confusion_csv(table, scores.confusion)
    columns = "predicted class" if told["matched_by"] == "name" else "cluster"
    mark = "supervised: learnt from true classes of the run's images" if "supervised" in told else ""
    write_atomic(picture, confusion_png(scores, columns, mark))
    return [metrics, table, picture]


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
