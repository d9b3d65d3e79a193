"""Means, deviations, order, and what is written."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import pytest

from ictc.compare.table import SORTS, arranged, best, cells_csv, row_of, rows_csv, same, varying
from ictc.means import Lane


def one(seed: int | None, acc: float, silhouette: float | None = 0.1, seconds: float = 1.0) -> dict[str, Any]:
    scores = {"acc": acc, "ari": acc / 2, "nmi": acc / 3, "silhouette": silhouette}
    return {"seed": seed, "k": 3, "unassigned": 0, "notes": [], "seconds": seconds, **scores}


def row(lane: Lane, *accs: float, seconds: float = 1.0) -> dict[str, Any]:
    return row_of(lane, [one(i, acc, seconds=seconds) for i, acc in enumerate(accs)], {}, len(accs))


def test_the_deviation_is_that_of_a_sample_and_none_of_one_run() -> None:
    accs = [0.5, 0.6, 0.65, 0.4]
    made = row(Lane(), *accs)
    assert made["acc"] == {"mean": pytest.approx(np.mean(accs)), "sd": pytest.approx(np.std(accs, ddof=1), abs=1e-6)}
    assert (made["runs"], made["of"]) == (4, 4)
    assert row(Lane(clusterer="dbscan"), 0.5)["acc"] == {"mean": 0.5, "sd": None}


def test_a_cell_without_a_number_is_left_out_and_one_without_any_has_a_reason() -> None:
    cells = [one(0, 0.5, 0.2), one(1, 0.5, None), one(2, 0.5, 0.4)]
    made = row_of(Lane(), cells, {3: "too large", 4: "too large"}, 5)
    assert made["silhouette"]["mean"] == pytest.approx(0.3)
    assert made["reasons"] == [{"seeds": [3, 4], "reason": "too large"}]
    empty = row_of(Lane(), [], {None: "too large"}, 1)
    assert empty["acc"] is None and empty["runs"] == 0


def test_the_best_comes_first_supervised_rows_after_all_others_and_those_without_numbers_last() -> None:
    label = Lane(strategy="task", pairing="label")
    rows = [
        row_of(Lane(clusterer="text"), [], {None: "why"}, 1),
        row(label, 0.9),
        row(Lane(clusterer="gmm"), 0.4, seconds=1),
        row(Lane(clusterer="kmeans"), 0.7, seconds=9),
    ]
    assert [r["clusterer"] for r in arranged(rows, "acc")[:3]] == ["kmeans", "gmm", "text"]
    assert arranged(rows, "acc")[3]["supervised"]
    assert [r["clusterer"] for r in arranged(rows, "seconds")[:2]] == ["gmm", "kmeans"]
    assert [r["clusterer"] for r in arranged(rows, "given")] == ["text", "gmm", "kmeans", "kmeans"]
    assert all(len(arranged(rows, by)) == 4 for by in SORTS)
    assert best(rows)["acc"] == 0.7, "a supervised score is nobody's to beat"
    assert "silhouette" in best(rows) and "silhouette" not in best([*rows, row(Lane(embedder="clip:a"), 0.1)])


def test_only_axes_that_differ_are_shown() -> None:
    rows = [row(Lane(), 0.5), row(Lane(strategy="task"), 0.5), row(Lane(strategy="task", space="plain"), 0.5)]
    assert varying(rows) == ["strategy", "space"]
    assert same(rows) == {"embedder": "offline", "pairing": "best", "fusion": "mean", "clusterer": "kmeans"}
    assert rows[0]["pairing"] is None and rows[1]["weight"] is None
    assert varying(rows[:1]) == ["clusterer"]


def test_tables_are_read_back_as_they_were() -> None:
    awkward = row_of(Lane(embedder='clip:a,"b"'), [one(0, 0.5), one(1, 0.7)], {2: 'so, "why"'}, 3)
    read = list(csv.DictReader(io.StringIO(rows_csv([awkward], "acc", {"images": 3}))))
    assert read[0]["embedder"] == 'clip:a,"b"' and read[0]["reason"] == 'so, "why"'
    assert float(read[0]["acc_mean"]) == 0.6 and read[0]["prompt_acc_mean"] == ""
    cells = list(csv.DictReader(io.StringIO(cells_csv([awkward], ["acc", "seconds"]))))
    assert [(c["seed"], float(c["acc"]), float(c["seconds"])) for c in cells] == [("0", 0.5, 1), ("1", 0.7, 1)]
