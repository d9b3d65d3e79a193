"""The figure: every row and reason is in it, the same bytes for the same numbers, also for very many rows."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from ictc.compare.figure import MOST, draw
from ictc.compare.table import row_of
from ictc.means import Lane
from tests.unit.compare.test_table import one


def facts(rows: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    plain = {
        "images": "a/b/photos",
        "n": 1234,
        "k": None,
        "truth": "folder",
        "classes": 7,
        "seeds": [0, 1],
        "sort": "acc",
    }
    return {**plain, "supervised": None, "rows": rows, **more}


def lanes() -> list[dict[str, Any]]:
    made = [Lane(strategy=s, clusterer=c) for s in ("image-only", "task") for c in ("kmeans", "my$x$:Class")]
    return [row_of(lane, [one(0, 0.2 + i / 10), one(1, 0.25 + i / 10)], {}, 2) for i, lane in enumerate(made)]


def texts(svg: bytes) -> list[str]:
    """matplotlib draws letters as outlines, and writes each text as a comment beside them."""
    return [line.strip()[5:-4] for line in svg.decode().splitlines() if line.strip().startswith("<!-- ")]


def test_rows_reasons_and_what_is_supervised_are_written() -> None:
    supervised = row_of(Lane(strategy="task", pairing="label"), [one(0, 0.9)], {}, 1)
    refused = row_of(Lane(clusterer="text"), [], {None: "Text centroids need texts."}, 1)
    drawn = texts(draw(facts([*lanes(), refused, supervised], supervised={"note": "..."}), "svg"))
    assert "photos: 1,234 images, 7 classes, K auto" in drawn
    assert {"kmeans", "my$x$:Class", "image-only", "task", "Text centroids need texts."} <= set(drawn)
    assert {"ACC", "ARI", "NMI", "silhouette"} <= set(drawn)
    assert "supervised" in drawn and any("TRUE classes" in text for text in drawn)
    assert "0.525" in drawn, "the mean of a row"
    plain = texts(draw(facts(lanes()), "svg"))
    assert not any("supervised" in text.lower() for text in plain)


def test_without_a_truth_there_are_silhouettes_alone() -> None:
    rows = [{**row, "acc": None, "ari": None, "nmi": None} for row in lanes()]
    drawn = texts(draw(facts(rows, truth=None), "svg"))
    assert "silhouette" in drawn and "ACC" not in drawn
    assert "photos: 1,234 images, no truth, K auto" in drawn


def test_the_same_numbers_give_the_same_bytes_and_a_row_its_height() -> None:
    for form in ("png", "svg"):
        assert draw(facts(lanes()), form) == draw(facts(lanes()), form)
    few, many = (Image.open(io.BytesIO(draw(facts(rows), "png", dpi=50))) for rows in (lanes(), lanes() * 10))
    assert many.height - few.height == int(36 * 0.23 * 50)


def test_of_very_many_rows_the_first_are_drawn_and_it_is_said() -> None:
    rows = [row_of(Lane(clusterer=f"c{i}"), [one(0, 0.5)], {}, 1) for i in range(MOST + 9)]
    drawn = texts(draw(facts(rows), "svg"))
    assert f"c{MOST - 1}" in drawn and f"c{MOST}" not in drawn
    assert any(f"first {MOST} of {MOST + 9}" in text for text in drawn)


def test_silhouettes_of_several_embedders_are_not_to_be_compared() -> None:
    rows = [row_of(Lane(embedder=e), [one(0, -0.0001)], {}, 1) for e in ("offline", "clip:a")]
    drawn = texts(draw(facts(rows), "svg"))
    assert any("cannot be compared between embedders" in text for text in drawn)
    assert "0.000" in drawn and not any("-0.000" in text for text in drawn)


def test_a_figure_of_reasons_alone() -> None:
    refused = [row_of(Lane(clusterer=c), [], {None: "No."}, 1) for c in ("text", "gmm")]
    assert "No." in texts(draw(facts(refused), "svg"))
