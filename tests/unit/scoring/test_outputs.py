"""The confusion matrix as CSV and as a picture."""

from __future__ import annotations

import csv
import io
import threading
from pathlib import Path

import pytest
from PIL import Image

from ictc.scoring import Scores, confusion_png, score_assignments, write_confusion_csv


def scores_of(names: list[str], per_class: int = 3) -> Scores:
    truth = {f"{name}/{i}": name for name in names for i in range(per_class)}
    return score_assignments(dict(truth), truth)


def test_csv_is_readable_and_escapes_formulas(tmp_path: Path) -> None:
    names = ["=1+1", "+a", "-b", "@c", "plain, with comma"]
    path = tmp_path / "confusion.csv"
    write_confusion_csv(path, scores_of(names).confusion)
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
    assert sorted(rows[0][1:]) == sorted(["'=1+1", "'+a", "'-b", "'@c", "plain, with comma", "unassigned"])
    assert [row[i + 1] for i, row in enumerate(rows[1:])] == ["3"] * 5
    assert not any(cell[0] in "=+-@" for row in rows for cell in row)


@pytest.mark.parametrize("k", [1, 2, 50, 120])
def test_picture_has_a_sensible_size(k: int) -> None:
    picture = Image.open(io.BytesIO(confusion_png(scores_of([f"class {i} $x^$\n" for i in range(k)]))))
    assert picture.format == "PNG"
    assert 400 <= picture.width <= 2400 and 300 <= picture.height <= 2400


def test_picture_shows_where_images_went() -> None:
    truth = {str(i): "x" if i < 10 else "y" for i in range(20)}
    right = confusion_png(score_assignments(truth, truth))
    wrong = confusion_png(score_assignments({i: None if i == "3" else c for i, c in truth.items()}, truth))
    assert right != wrong


def test_picture_is_the_same_twice_and_from_threads() -> None:
    scores = scores_of(["cat", "dog"])
    made: list[bytes] = []
    threads = [threading.Thread(target=lambda: made.append(confusion_png(scores))) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(set(made)) == 1 and len(made) == 3
