"""Duplicates by bytes and by look: copies are found, other pictures are not; hashes are kept."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ictc.analysis.copies import BITS, alike, equal_files, look, looks
from ictc.store import Store
from ictc.types import Item


def picture(seed: int) -> Image.Image:
    cells = np.random.default_rng(seed).integers(0, 255, (6, 6, 3)).astype(np.uint8)
    return Image.fromarray(cells).resize((120, 90), Image.Resampling.BICUBIC)


def item(path: Path) -> Item:
    return Item(path.name, path, hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    for i in range(6):
        picture(i).save(tmp_path / f"{i}.png")
    picture(2).resize((60, 45)).save(tmp_path / "small.jpg", quality=60)
    picture(3).save(tmp_path / "same.png")
    Image.new("RGB", (40, 40), "red").save(tmp_path / "flat.png")
    (tmp_path / "broken.png").write_bytes(b"no image")
    return [item(p) for p in sorted(tmp_path.iterdir())]


def test_copies_are_found_and_others_are_not(items: list[Item]) -> None:
    names = [i.name for i in items]
    with Store(None) as store:
        hashes = looks(items, store)
    assert equal_files(items) == [["3.png", "same.png"]]
    assert [(names[i], names[j]) for i, j, _ in alike(items, hashes)] == [("2.png", "small.jpg")]
    assert {i.name for i in items if not hashes[i.sha256]} == {"flat.png", "broken.png"}


def test_hashes_are_kept_but_a_broken_file_is_tried_again(items: list[Item], monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    with Store(None) as store:
        first = looks(items, store)
        monkeypatch.setattr("ictc.analysis.copies._look", lambda i: tried.append(i.name))
        assert looks(items, store) == first
    assert tried == ["broken.png"]


def test_a_look_has_128_bits_and_descriptions_have_none() -> None:
    assert len(look(picture(1))) * 4 == BITS
    assert alike([Item("a"), Item("b")], {}) == []
    assert equal_files([Item("a"), Item("b")]) == []
