"""Tables of a scoring: classes against clusters, and how each class fared."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ictc.files import write_atomic

UNASSIGNED = "unassigned"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Match:
    """A cluster that stands for a class, and the images they share."""

    cluster: str
    class_: str
    n: int


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class: `recall` is correct / n, `precision` correct / size of its `cluster` (None: none stands for it)."""

    class_: str
    n: int
    correct: int
    recall: float
    precision: float
    f1: float
    cluster: str | None


@dataclass(frozen=True, slots=True)
class Confusion:
    """`counts[i][j]` images of class i in cluster j; the last column is of those in no cluster.

    Clusters that stand for a class come in the order of the classes, so the diagonal is what is right.
    """

    classes: Sequence[str]
    clusters: Sequence[str]
    counts: Sequence[Sequence[int]]

    @property
    def columns(self) -> list[str]:
        return [*self.clusters, UNASSIGNED]


def count_table(
    predicted: Mapping[str, str | None], truth: Mapping[str, str], classes: Sequence[str], clusters: Sequence[str]
) -> NDArray[np.int64]:
    """int [classes, clusters + 1] over the images of `truth`; the last column counts those in no cluster."""
    row = {c: i for i, c in enumerate(classes)}
    col: dict[str | None, int] = {c: j for j, c in enumerate(clusters)}
    table = np.zeros((len(classes), len(clusters) + 1), dtype=np.int64)
    for image, class_ in truth.items():
        table[row[class_], col.get(predicted.get(image), len(clusters))] += 1
    return table


def class_scores(confusion: Confusion, matching: Sequence[Match]) -> list[ClassScore]:
    """One line per class, in the order of the classes."""
    matched = {m.class_: m for m in matching}
    sizes = dict(zip(confusion.clusters, np.sum(confusion.counts, axis=0, dtype=int).tolist(), strict=False))
    scores = []
    for class_, counts in zip(confusion.classes, confusion.counts, strict=True):
        n, match = sum(counts), matched.get(class_)
        correct = match.n if match else 0
        size = sizes[match.cluster] if match else 0
        scores.append(
            ClassScore(
                class_=class_,
                n=n,
                correct=correct,
                recall=correct / n,
                precision=correct / size if size else 0.0,
                f1=2 * correct / (n + size),
                cluster=match.cluster if match else None,
            )
        )
    return scores


def confusion_csv(confusion: Confusion) -> str:
    """The confusion as CSV; names that a spreadsheet would take for a formula are led by an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["class", *map(cell, confusion.columns)])
    for class_, counts in zip(confusion.classes, confusion.counts, strict=True):
        writer.writerow([cell(class_), *counts])
    return text.getvalue()


def write_confusion_csv(path: Path, confusion: Confusion) -> None:
    """`confusion_csv` at `path`, whole or not at all."""
    write_atomic(path, confusion_csv(confusion))


def cell(name: str) -> str:
    """A name for a CSV; one that a spreadsheet would take for a formula is led by an apostrophe."""
    return f"'{name}" if name.startswith(_FORMULA) else name
