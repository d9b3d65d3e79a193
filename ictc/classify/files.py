"""Predictions as a file: JSON lines or a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from ictc.classify.predict import Prediction
from ictc.errors import UsageError
from ictc.files import check_place, write_atomic, write_jsonl
from ictc.scoring.tables import cell
from ictc.types import Failure

FORMATS = (".jsonl", ".csv")


def check_out(file: Path) -> None:
    """Raises UsageError: the extension is none of FORMATS, or no file can be put there."""
    if file.suffix not in FORMATS:
        raise UsageError(f"--out {file} is neither .jsonl nor .csv.", "Name it FILE.jsonl or FILE.csv.")
    check_place(file)


def write_predictions(
    file: Path, predictions: Sequence[Prediction], failures: Sequence[Failure], classes: tuple[str, ...]
) -> None:
    """One row an image, those that failed last, with the reason in place of a class."""
    if file.suffix == ".jsonl":
        failed = ({"image": f.image, "class": None, "code": f.code, "message": f.message} for f in failures)
        write_jsonl(file, [*(p.to_json(classes) for p in predictions), *failed])
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", "class", "probability", *map(cell, classes), "error"])
    for p in predictions:
        writer.writerow([cell(p.image), cell(p.class_), p.probability, *p.probabilities, ""])
    for f in failures:
        writer.writerow([cell(f.image), "", "", *[""] * len(classes), cell(f"{f.code}: {f.message}")])
    write_atomic(file, text.getvalue())
