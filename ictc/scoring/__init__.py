"""Scoring a run against a truth, strictly: nothing is guessed, nothing is left out of the count."""

from ictc.scoring.calibration import Bin, expected_calibration_error, reliability
from ictc.scoring.chart import confusion_png
from ictc.scoring.metrics import silhouette
from ictc.scoring.scores import Scores, score_assignments
from ictc.scoring.tables import ClassScore, Confusion, Match, write_confusion_csv
from ictc.scoring.truth import Truth, read_truth

__all__ = [
    "Bin",
    "ClassScore",
    "Confusion",
    "Match",
    "Scores",
    "Truth",
    "confusion_png",
    "expected_calibration_error",
    "read_truth",
    "reliability",
    "score_assignments",
    "silhouette",
    "write_confusion_csv",
]
