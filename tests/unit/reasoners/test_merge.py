"""Names of finished groups."""

from __future__ import annotations

import pytest

from ictc.reasoners.merge import rename
from ictc.types import Cluster


@pytest.mark.parametrize(
    ("inside", "names"),
    [
        ({"grey": [13, 0], "red": [0, 3], "brown": [0, 2], "blue": [0, 1]}, ["grey", "red"]),
        ({"grey": [13, 0], "red": [0, 2], "brown": [0, 2], "blue": [0, 1]}, ["grey", "brown and red"]),
        ({"grey": [13, 0], "red": [0, 2], "brown": [0, 2], "blue": [0, 1], "teal": [0, 2], "pink": [0, 2]},
         ["grey", "brown, pink and red"]),
        ({"animal": [9, 8], "frog": [0, 4], "fish": [0, 4]}, ["animal", "fish and frog"]),
        ({"animal": [9, 0], "fox": [5, 4], "frog": [0, 4], "fish": [0, 4]}, ["animal", "fish and frog"]),
        ({"animal": [9, 8], "snake": [0, 4], "rattlesnake": [0, 4]}, ["animal", "rattlesnake"]),
    ],
)  # fmt: skip
def test_a_minority_names_a_group_only_together_with_others(inside: dict[str, list[int]], names: list[str]) -> None:
    pairs = [(label, g) for label, row in inside.items() for g, n in enumerate(row) for _ in range(n)]
    labels, groups = [label for label, _ in pairs], [g for _, g in pairs]
    clusters = rename([Cluster("a"), Cluster("b")], labels, groups, {})
    assert [c.name for c in clusters if c.name == names[0]] + [c.name for c in clusters if c.name != names[0]] == names


def test_a_label_that_answers_nothing_joins_no_name() -> None:
    labels = ["cat", "dog", "cow", *["no animal"] * 3, *["house"] * 9]
    names = {c.name for c in rename([Cluster("a"), Cluster("b")], labels, [0] * 6 + [1] * 9, {"no animal": -0.24})}
    assert "house" in names and not any("no animal" in name for name in names if name != "house")
