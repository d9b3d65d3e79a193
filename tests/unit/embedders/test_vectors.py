"""Vectors from a file: which image a row is of, and never of two."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ictc.embed import images
from ictc.embed.files import VectorFile
from ictc.embed.images import CachedImages
from ictc.embedders.vectors import GivenVectors
from ictc.interfaces import Vectors
from ictc.store import Store
from ictc.types import Failure, Item


def file_of(*names: str, hashes: tuple[str, ...] = ()) -> VectorFile:
    rows = np.eye(len(names), 4, dtype=np.float32)
    return VectorFile(names, hashes or ("",) * len(names), rows, "d")


def found(file: VectorFile, *items: Item) -> list[object]:
    """Row numbers, and the codes of failures."""
    got: list[Vectors | Failure] = CachedImages(GivenVectors("f.npy", file, guesses=True), Store(None)).embed_images(
        items
    )
    return [f.code if isinstance(f, Failure) else int(f.argmax()) for f in got]


def item(name: str, sha256: str = "") -> Item:
    return Item(name, Path(name), sha256 or f"sha of {name}")


@pytest.mark.parametrize(
    ("rows", "names", "expected"),
    [
        (("1.jpg",), ("a/1.jpg", "b/1.jpg"), ["two-images", "two-images"]),
        (("1.jpg", "2.jpg"), ("a/1.jpg", "b/2.jpg"), [0, 1]),
        (("1.jpg", "b/1.jpg"), ("a/1.jpg", "b/1.jpg"), [0, 1]),
        (("1.jpg",), ("b/1.jpg", "1.jpg"), ["two-images", 0]),  # who has the very name has the vector
        (("a/1.jpg", "b/1.jpg"), ("1.jpg",), ["no-vector"]),
        (("1.png",), ("1.jpg", "1.gif"), ["two-images", "two-images"]),
    ],
)
def test_a_row_is_of_one_image_or_of_none(
    rows: tuple[str, ...], names: tuple[str, ...], expected: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(file_of(*rows), *map(item, names)) == expected
    monkeypatch.setattr(images, "CHUNK", 1)  # nor where they do not come together
    assert found(file_of(*rows), *map(item, names)) == expected


def test_copies_and_renamed_files_are_the_same_image() -> None:
    assert found(file_of("1.jpg"), item("a/1.jpg", "h"), item("b/1.jpg", "h")) == [0, 0]
    assert found(file_of("old.jpg", hashes=("h",)), item("new.jpg", "h")) == [0]


def test_a_hash_goes_before_a_name() -> None:
    file = file_of("1.jpg", "2.jpg", hashes=("h2", "h1"))
    assert found(file, item("1.jpg", "h1"), item("2.jpg", "h2"), item("a/2.jpg", "h3")) == [1, 0, "other-image"]
