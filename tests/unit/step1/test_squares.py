"""Squares for the network: large and small images, alone and in company."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from step1.squares import squares

SIZES = [(32, 32), (300, 200), (20, 31), (32, 32), (128, 128), (1, 1), (128, 7), (500, 20)]


def noise(size: tuple[int, int], seed: int = 0) -> Image.Image:
    width, height = size
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def test_in_order_and_each_from_its_own_pixels_alone() -> None:
    images = [noise(size, seed) for seed, size in enumerate(SIZES)]
    together = squares(images, 128)
    for image, square in zip(images, together, strict=True):
        assert square.shape == (128, 128, 3)
        np.testing.assert_array_equal(square, squares([image], 128)[0])


@pytest.mark.parametrize("size", SIZES)
def test_whole_image_as_pillow_scales_it(size: tuple[int, int]) -> None:
    image = noise(size)
    ours = squares([image], 128)[0].astype(int)
    theirs = np.asarray(image.resize((128, 128), Image.Resampling.BICUBIC)).astype(int)
    if max(size) <= 128:
        assert np.abs(ours - theirs).max() <= 3
    else:  # two-step reduction is an approximation, exact on average
        assert np.abs(ours - theirs).mean() < 8


def test_none() -> None:
    assert squares([], 128).shape == (0, 128, 128, 3)
