from __future__ import annotations

import pytest

from ictc.english import singular


@pytest.mark.parametrize(
    ("plural", "one"),
    [("dogs", "dog"), ("cherries", "cherry"), ("boxes", "box"), ("benches", "bench"), ("horses", "horse"),
     ("dishes", "dish"), ("dresses", "dress"), ("glasses", "glass"),
     ("glass", "glass"), ("bus", "bus"), ("tennis", "tennis"), ("deer", "deer")],
)  # fmt: skip
def test_singular(plural: str, one: str) -> None:
    assert singular(plural) == one
