"""Classical features against what is known of an image by construction, and against the libraries' own numbers."""

from __future__ import annotations

import numpy as np
import pytest

from ictc.features.classical import FEATURES, SIDE, edges, everything, histogram, hog, lbp, sift

pytest.importorskip("cv2", reason="no OpenCV here: pip install 'ictc[classical]'")

BLACK = np.zeros((SIDE, SIDE, 3), np.uint8)


def photo() -> np.ndarray:
    from PIL import Image
    from skimage import data

    return np.asarray(Image.fromarray(data.astronaut()).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def corners(quadrant: int) -> np.ndarray:
    """Squares, which SIFT finds, in one quadrant alone."""
    made = BLACK.copy()
    top, left = 112 * (quadrant // 2), 112 * (quadrant % 2)
    for y in (20, 60):
        for x in (20, 60):
            made[top + y : top + y + 20, left + x : left + x + 20] = 255
    return made


@pytest.mark.parametrize(
    ("name", "width"), [("sift", 512), ("hog", 324), ("histogram", 96), ("edges", 64), ("lbp", 10), ("all", 1006)]
)
def test_widths(name: str, width: int) -> None:
    for pixels in (photo(), BLACK):
        found = FEATURES[name](pixels)
        assert found.shape == (width,) and found.dtype == np.float32 and np.isfinite(found).all()


@pytest.mark.parametrize("quadrant", range(4))
def test_sift_is_the_mean_of_the_quadrants_descriptors(quadrant: int) -> None:
    import cv2

    pixels = corners(quadrant)
    parts = sift(pixels).reshape(4, 128)
    _, descriptors = cv2.SIFT_create().detectAndCompute(pixels[..., 0], None)
    np.testing.assert_allclose(parts[quadrant], descriptors.mean(axis=0), rtol=1e-5)
    assert not parts[[i for i in range(4) if i != quadrant]].any()


def test_nothing_found_is_zeros() -> None:
    assert not sift(BLACK).any() and not edges(BLACK).any() and not hog(BLACK).any()


def test_histogram_counts_by_channel() -> None:
    pixels = BLACK.copy()
    pixels[:56] = (255, 8, 100)
    red, green, blue = histogram(pixels).reshape(3, 32)
    assert (red[31], green[1], blue[12]) == (0.25, 0.25, 0.25)
    assert red[0] == green[0] == blue[0] == 0.75
    assert red.sum() == green.sum() == blue.sum() == 1


def test_hog_is_of_four_by_four_cells_in_blocks_of_two() -> None:
    pixels = BLACK.copy()
    pixels[:, 30:] = 255  # one upright edge, in the first column of cells
    blocks = hog(pixels).reshape(3, 3, 2, 2, 9)
    assert blocks[:, 0, :, 0].any() and not blocks[:, 1:].any()
    assert (blocks[0, 0, 0, 0].argmax(), np.count_nonzero(blocks[0, 0, 0, 0])) == (0, 1)  # its gradient lies across


def test_edges_by_tile() -> None:
    pixels = BLACK.copy()
    pixels[:, 28 * 5 + 14 :] = 255
    shares = edges(pixels).reshape(8, 8)
    assert (shares[:, 5] == 28 / 28**2).all() and not np.delete(shares, 5, axis=1).any()


def test_lbp_shares() -> None:
    from skimage.feature import local_binary_pattern

    pixels = photo()
    found = lbp(pixels)
    assert found.sum() == pytest.approx(1)
    assert lbp(BLACK)[8] == 1  # flat: all neighbours are as bright
    import cv2

    codes = local_binary_pattern(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), 8, 1, "uniform")
    assert found[9] == np.float32((codes == 9).mean())


def test_all_are_in_a_fixed_order() -> None:
    pixels = photo()
    parts = np.split(everything(pixels), np.cumsum([512, 324, 96, 64]))
    for name, part in zip(("sift", "hog", "histogram", "edges", "lbp"), parts, strict=True):
        np.testing.assert_array_equal(part, FEATURES[name](pixels))
