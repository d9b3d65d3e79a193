"""Views of images, against their definitions: slices and interpolation, colorsys, scipy, arithmetic by hand."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d
from torch import Tensor
from torch.nn.functional import interpolate

from ictc.errors import UsageError
from ictc.training import augment as a
from ictc.training.augment import COLUMNS, View, augmented, drawn

SIDE = 32


def images(count: int = 6, side: int = SIDE) -> Tensor:
    return torch.from_numpy(np.random.default_rng(3).integers(0, 256, (count, 3, side, side), dtype=np.uint8))


def rows(count: int = 1, side: int = SIDE, **values: float) -> Tensor:
    """Numbers that change nothing, but for `values`."""
    nothing = dict.fromkeys(COLUMNS, 0.0) | {"height": side, "width": side}
    return torch.tensor([[float((nothing | values)[name]) for name in COLUMNS]] * count)


def test_numbers_that_ask_for_nothing_change_nothing() -> None:
    assert torch.allclose(augmented(images(), rows(6)), images() / 255, atol=1e-6)


@pytest.mark.parametrize("box", [(3, 5, 17, 20), (0, 0, 32, 9), (31, 2, 1, 30)])
@pytest.mark.parametrize("mirrored", [0, 1])
def test_a_crop_is_a_slice_interpolated(box: tuple[int, int, int, int], mirrored: int) -> None:
    top, left, height, width = box
    sliced = (images() / 255)[:, :, top : top + height, left : left + width]
    wanted = interpolate(sliced, (SIDE, SIDE), mode="bilinear", antialias=True)
    wanted = wanted.flip(-1) if mirrored else wanted
    found = augmented(images(), rows(6, top=top, left=left, height=height, width=width, mirrored=mirrored))
    assert torch.allclose(found, wanted, atol=1e-5)


def test_resizing_to_fewer_pixels_widens_the_filter() -> None:
    """The one case that a crop of the same side never has: two old pixels to a new one are its mean and its rim."""
    weights = a._resizing(torch.tensor([0.0]), torch.tensor([8.0]), 4)[0]  # of 4 pixels that are there, 8 asked
    assert torch.allclose(weights[0], torch.tensor([3 / 7, 3 / 7, 1 / 7, 0.0]), atol=1e-6)


@pytest.mark.parametrize("turn", [-0.5, -0.1, 0.07, 0.5])
def test_hue_is_colorsys(turn: float) -> None:
    extreme = torch.tensor([[0, 0, 0], [255, 255, 255], [255, 0, 0], [9, 9, 200], [80, 80, 80], [200, 200, 7]])
    pixels = torch.cat([images()[0].reshape(3, -1), extreme.T.to(torch.uint8)], 1)[None, :, None] / 255
    found = a.turned(pixels, torch.tensor([turn]))
    for old, new in zip(pixels[0, :, 0].T.tolist(), found[0, :, 0].T.tolist(), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*old)
        assert new == pytest.approx(colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value), abs=1e-5)


def test_brightness_contrast_saturation_and_grey_by_hand() -> None:
    pixels = torch.tensor([[200, 100], [40, 60], [20, 120]], dtype=torch.uint8).view(1, 3, 1, 2).repeat(1, 1, 2, 1)
    x = pixels[0, :, 0].T.double().numpy() / 255  # two pixels by three channels
    grey = x @ np.array([0.299, 0.587, 0.114])
    first = {"jittered": 1, "brightness": 1, "contrast": 1, "saturation": 1}

    def found(**values: float) -> np.ndarray:
        return augmented(pixels, rows(side=2, **(first | values)))[0, :, 0].T.double().numpy()

    assert found(brightness=1.3) == pytest.approx(np.minimum(1.3 * x, 1), abs=1e-6)
    assert found(contrast=0.6) == pytest.approx(0.6 * x + 0.4 * grey.mean(), abs=1e-6)
    assert found(saturation=0.25) == pytest.approx(0.25 * x + 0.75 * grey[:, None], abs=1e-6)
    assert found(saturation=2) == pytest.approx(np.clip(2 * x - grey[:, None], 0, 1), abs=1e-6)
    assert found(grey=1) == pytest.approx(np.repeat(grey[:, None], 3, 1), abs=1e-6)
    assert found(solarised=1) == pytest.approx(np.where(x >= 0.5, 1 - x, x), abs=1e-6)
    assert found(brightness=2, jittered=0) == pytest.approx(x, abs=1e-6)


def test_the_order_of_the_changes_counts_and_is_each_images_own() -> None:
    pixels = images(1).repeat(2, 1, 1, 1)
    told = rows(2, jittered=1, brightness=1.4, contrast=0.5, saturation=1)
    told[1, COLUMNS.index("order")] = 6  # contrast, brightness, saturation, hue
    x = pixels[0].double() / 255
    one, other = augmented(pixels, told).double()
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64).view(3, 1, 1)
    bright = (1.4 * x).clamp(0, 1)
    assert torch.allclose(one, 0.5 * bright + 0.5 * (weights * bright).sum(0).mean(), atol=1e-5)
    assert torch.allclose(other, (1.4 * (0.5 * x + 0.5 * (weights * x).sum(0).mean())).clamp(0, 1), atol=1e-5)


@pytest.mark.parametrize(("side", "width"), [(32, 3), (60, 7), (8, 3)])
def test_the_blur_is_scipys(side: int, width: int) -> None:
    pixels = images(2, side)
    told = rows(2, side, sigma=0.9)
    told[1, COLUMNS.index("sigma")] = 0
    offsets = np.arange(width) - width // 2
    kernel = np.exp(-(offsets**2) / (2 * 0.9**2))
    x = pixels.double().numpy() / 255
    wanted = correlate1d(
        correlate1d(x[0], kernel / kernel.sum(), 1, mode="mirror"), kernel / kernel.sum(), 2, mode="mirror"
    )
    blurred, left = augmented(pixels, told).double().numpy()
    assert blurred == pytest.approx(wanted, abs=1e-5)
    assert left == pytest.approx(x[1], abs=1e-6)


def test_what_is_drawn_is_as_often_and_as_far_as_the_paper_says() -> None:
    view = View(crop=0.2, jitter=0.5, blur=0.5, solarise=0.2)
    told = dict(zip(COLUMNS, drawn(4000, SIDE, view, np.random.default_rng(0)).T, strict=True))
    for name, often in (("mirrored", 0.5), ("jittered", 0.8), ("grey", 0.2), ("solarised", 0.2)):
        assert told[name].mean() == pytest.approx(often, abs=0.04)
    assert (told["sigma"] > 0).mean() == pytest.approx(0.5, abs=0.04)
    assert told["sigma"][told["sigma"] > 0].min() >= 0.1 and 1.9 < told["sigma"].max() <= 2
    for name in ("brightness", "contrast", "saturation"):
        assert (told[name].min(), told[name].max()) == (pytest.approx(0.6, abs=0.01), pytest.approx(1.4, abs=0.01))
    assert np.abs(told["hue"]).max() == pytest.approx(0.1, abs=0.001)
    assert set(told["order"]) == set(range(24))
    area, ratio = told["height"] * told["width"] / SIDE**2, told["width"] / told["height"]
    assert area.min() > 0.17 and area.max() == 1 and np.median(area) == pytest.approx(0.58, abs=0.05)
    assert ratio.min() > 0.7 and ratio.max() < 1.45 and np.median(ratio) == pytest.approx(1, abs=0.05)
    for start, length in (("top", "height"), ("left", "width")):
        assert told[start].min() == 0 and (told[start] + told[length]).max() == SIDE


def test_the_same_draw_gives_the_same_view_and_another_another() -> None:
    def views(seed: int) -> Tensor:
        return augmented(images(), torch.from_numpy(drawn(6, SIDE, View(), np.random.default_rng(seed))))

    assert torch.equal(views(1), views(1)) and not torch.equal(views(1), views(2))
    assert views(1).min() >= 0 and views(1).max() <= 1 and views(1).dtype == torch.float32


@pytest.mark.parametrize("wrong", [{"crop": 0.0}, {"crop": 1.1}, {"jitter": -1.0}, {"blur": float("nan")}])
def test_strengths_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        View(**wrong).check()
