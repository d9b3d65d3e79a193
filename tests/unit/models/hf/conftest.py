"""Tiny models, and pictures that differ in colour and shape."""

from __future__ import annotations

import hashlib

import pytest
from PIL import Image

from ictc.types import Item
from tests.tiny.fixture import tiny

__all__ = ["pictures", "tiny"]

_SHOWN = [("red", (48, 40)), ("blue", (120, 30)), ("green", (30, 90)), ("white", (64, 64))]


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    folder = tmp_path_factory.mktemp("pictures")
    items = []
    for colour, size in _SHOWN:
        file = folder / f"{colour}.png"
        Image.new("RGB", size, colour).save(file)
        items.append(Item(file.name, file, hashlib.sha256(file.read_bytes()).hexdigest()))
    return items
