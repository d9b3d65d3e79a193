"""Images as pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ictc.errors import InputError
from ictc.images.sources import read_source
from ictc.progress import unwatched
from ictc.training.captions import Captions
from ictc.training.pictures import Pictures, flipped
from tests.conftest import write_coloured


def test_kept_or_read_anew_they_are_the_same(tmp_path: Path) -> None:
    items = read_source(str(write_coloured(tmp_path / "in", 2))).items
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    items = [*items, *read_source(str(tmp_path / "broken.png")).items]
    kept, anew = (Pictures(items, 8, unwatched, kept=most) for most in (2**20, 3 * 8 * 8 * 2))
    assert len(kept.items) == 6 and [f.image for f in kept.failures] == ["broken.png"]
    numbers = np.array([5, 0, 3])
    assert kept.pixels(numbers).shape == (3, 3, 8, 8) and kept.pixels(numbers).dtype == torch.uint8
    assert torch.equal(kept.pixels(numbers), anew.pixels(numbers))
    assert [len(b) for b in kept.batches(4)] == [3, 3]
    with pytest.raises(InputError, match="None of 1 images can be read") as told:
        Pictures(items[-1:], 8, unwatched)
    assert "Give a folder" in told.value.hint
    first = anew.items[5].path  # of those that are not kept
    assert first
    before = first.read_bytes()
    first.write_bytes(anew.items[0].path.read_bytes())  # type: ignore[union-attr]
    with pytest.raises(InputError, match="was replaced while"):
        anew.pixels(np.arange(6))
    first.write_bytes(before)
    (tmp_path / "in" / "red" / "red-1.png").unlink()
    with pytest.raises(InputError, match="any more"):
        anew.pixels(np.arange(6))


def test_of_captions_none_is_learned_of_an_image_that_was_replaced(tmp_path: Path) -> None:
    items = read_source(str(write_coloured(tmp_path / "in", 1))).items
    captions = Captions(items, {i.name: "a text" for i in items}, unwatched)
    assert captions[0][1] == "a text"
    one, other = (i.path for i in items[:2])
    assert one and other
    one.write_bytes(other.read_bytes())
    with pytest.raises(InputError, match="was replaced while") as told:
        captions[0]
    assert "--restart" in told.value.hint


def test_half_are_mirrored() -> None:
    pixels = torch.arange(2000 * 2.0).reshape(2000, 1, 1, 2)
    out = flipped(pixels, np.random.default_rng(0))
    mirrored = (out[:, 0, 0, 0] == pixels[:, 0, 0, 1]) & (out[:, 0, 0, 1] == pixels[:, 0, 0, 0])
    assert (mirrored | (out == pixels).all(-1).flatten()).all()
    assert 850 < int(mirrored.sum()) < 1150
