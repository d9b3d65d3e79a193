"""What is done to pictures does what its name says, more so with its strength, and the same each time."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from ictc.analysis.changes import CHANGES, COPY, KINDS, changed


def picture(size: tuple[int, int] = (60, 40)) -> Image.Image:
    cells = np.random.default_rng(1).integers(60, 255, (8, 8, 3)).astype(np.uint8)
    return Image.fromarray(cells).resize(size, Image.Resampling.BICUBIC)


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.resize((60, 40)), dtype=float)


@pytest.mark.parametrize("kind", KINDS)
def test_stronger_changes_leave_less(kind: str) -> None:
    clean = picture()
    three = [c for c in CHANGES if c.kind == kind]
    assert [c.strength for c in three] == [1, 2, 3]
    off = [np.abs(pixels(changed(clean, c, 0, "ab" * 32)) - pixels(clean)).mean() for c in three]
    assert 0 < off[0] < off[1] < off[2]


def test_the_same_seed_and_image_give_the_same_pixels_and_a_copy_is_one() -> None:
    clean = picture()
    for change in CHANGES:
        first = changed(clean, change, 0, "ab" * 32)
        assert first.tobytes() == changed(clean, change, 0, "ab" * 32).tobytes()
        drawn = change.kind in ("noise", "crop", "occlusion")
        assert (first.tobytes() != changed(clean, change, 1, "ab" * 32).tobytes()) or not drawn
        assert (first.tobytes() != changed(clean, change, 0, "cd" * 32).tobytes()) or not drawn
    assert changed(clean, COPY, 0, "ab").tobytes() == picture().tobytes()


def test_sizes_and_shares_are_as_said() -> None:
    by_name = {c.name: c for c in CHANGES}
    assert changed(picture(), by_name["crop 0.5"], 0, "ab").size == (30, 20)
    hidden = np.asarray(changed(picture((200, 100)), by_name["occlusion 0.25"], 0, "ab"))
    assert abs((hidden == 127).all(axis=2).mean() - 0.25) < 0.02
    dark = pixels(changed(picture(), by_name["brightness 0.4"], 0, "ab")).mean() / pixels(picture()).mean()
    assert abs(dark - 0.4) < 0.01


@pytest.mark.parametrize("change", CHANGES, ids=lambda c: c.name)
def test_one_pixel_bears_everything(change: object) -> None:
    tiny = changed(Image.new("RGB", (1, 1), "red"), change, 0, "")  # type: ignore[arg-type]
    assert tiny.size == (1, 1)
    assert tiny.mode == "RGB"


def test_blur_and_noise_are_as_broad_as_said() -> None:
    sharp = np.zeros((200, 300), dtype=np.uint8)
    sharp[:, 150:] = 255
    edge = Image.fromarray(sharp).convert("RGB")
    flat = Image.new("RGB", (200, 200), (128, 128, 128))
    for blur in (c for c in CHANGES if c.kind == "blur"):
        steps = np.diff(np.asarray(changed(edge, blur, 0, "ab").convert("L"), dtype=float)[100])
        place = np.arange(len(steps))
        middle = np.average(place, weights=steps)
        breadth = np.sqrt(np.average((place - middle) ** 2, weights=steps))
        assert breadth == pytest.approx(blur.value * 200, rel=0.1), "of the shorter side"
    for noise in (c for c in CHANGES if c.kind == "noise"):
        assert np.asarray(changed(flat, noise, 0, "ab"), dtype=float).std() == pytest.approx(
            255 * noise.value, rel=0.05
        )
