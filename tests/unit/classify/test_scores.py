"""The classification report, equal to scikit-learn's on the same answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from ictc.classify.predict import Prediction
from ictc.classify.scores import check_named, report_of, write_report
from ictc.errors import InputError

CLASSES = ("cat", "dog", "owl")


def predicted(answers: list[str]) -> list[Prediction]:
    return [
        Prediction(f"{i}.png", "", a, tuple(0.8 if a == c else 0.1 for c in CLASSES)) for i, a in enumerate(answers)
    ]


def test_the_report_is_that_of_scikit_learn(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    truth = [CLASSES[j] for j in draw.integers(3, size=200)]
    answers = [t if draw.random() < 0.6 else CLASSES[draw.integers(3)] for t in truth]
    known = {f"{i}.png": t for i, t in enumerate(truth)}
    scores, told = report_of(predicted(answers), known, CLASSES, [], by_name=True)
    assert told["acc"] == pytest.approx(accuracy_score(truth, answers))
    precision, recall, f1, n = precision_recall_fscore_support(truth, answers, labels=list(CLASSES))
    for row, *wanted in zip(told["per_class"], precision, recall, f1, n, strict=True):
        assert [row["precision"], row["recall"], row["f1"], row["n"]] == pytest.approx(wanted, abs=1e-6)
    for average in ("macro", "weighted"):
        expected = precision_recall_fscore_support(truth, answers, average=average)[2]
        assert told[f"{average}_f1"] == pytest.approx(expected, abs=1e-6)
    counts = np.asarray(told["confusion"]["counts"])[:, :-1]
    np.testing.assert_array_equal(counts, confusion_matrix(truth, answers, labels=list(CLASSES)))
    files = write_report(tmp_path / "a.csv", scores, told)
    assert [f.name for f in files] == ["a_metrics.json", "a_confusion.csv", "a_confusion.png"]
    assert json.loads(files[0].read_text()) == told
    assert files[2].read_bytes().startswith(b"\x89PNG")


def test_names_count_and_are_not_matched() -> None:
    known = {"0.png": "cat", "1.png": "dog"}
    assert report_of(predicted(["dog", "cat"]), known, CLASSES, [], by_name=True)[1]["acc"] == 0
    assert report_of(predicted(["dog", "cat"]), known, CLASSES, [], by_name=False)[1]["acc"] == 1


def test_failed_images_and_classes_nobody_knows_are_wrong() -> None:
    known = {"0.png": "cat", "1.png": "bee", "bad.png": "cat"}
    told = report_of(predicted(["cat", "cat"]), known, CLASSES, ["bad.png"], by_name=True)[1]
    assert told["acc"] == pytest.approx(1 / 3, abs=1e-6)
    assert (told["failed"], told["classes_unknown"]) == (1, ["bee"])


def test_a_truth_of_other_names_is_told() -> None:
    with pytest.raises(InputError, match="bee"):
        check_named(CLASSES, {"0.png": "bee"})
