"""A small result that uses every part of the page."""

from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image

from ictc.result import Result
from ictc.types import Assignment, Cluster, Description, Item, KChoice, Label, Taxonomy


@pytest.fixture
def jpeg() -> Callable[[int, int], bytes]:
    def make(width: int, height: int) -> bytes:
        out = BytesIO()
        Image.new("RGB", (width, height), (200, 40, 40)).save(out, "JPEG")
        return out.getvalue()

    return make


@pytest.fixture
def make_result() -> Callable[..., Result]:
    def make(sizes: dict[str, int], unassigned: int = 0, criterion: str = "mood", **changes: object) -> Result:
        assignments = [
            Assignment(f"{name}-{i}.jpg", name, round(1 - i / 1000, 4), "offline", "seen")
            for name, size in sizes.items()
            for i in range(size)
        ] + [Assignment(f"none-{i}.jpg", None) for i in range(unassigned)]
        images = [a.image for a in assignments]
        parts: dict[str, object] = {
            "criterion": criterion,
            "items": [Item(i) for i in images],
            "descriptions": [Description(i, f"This shows {i}.", "offline") for i in images],
            "labels": [Label(i, i.split("-")[0]) for i in images],
            "taxonomy": Taxonomy(
                criterion,
                [Cluster(name, f"About {name}.", {name: size}) for name, size in sizes.items()],
                KChoice(
                    len(sizes),
                    "silhouette",
                    "It scored best.",
                    [(k, 1 / (1 + abs(k - len(sizes)))) for k in (1, 2, 3, 4)],
                ),
            ),
            "assignments": assignments,
        }
        return Result(**{**parts, **changes})  # type: ignore[arg-type]

    return make
