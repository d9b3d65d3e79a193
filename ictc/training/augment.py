"""SimCLR's random views of images (Chen et al., ICML 2020, appendix A) on tensors, a batch at once, no torchvision.

What is random is drawn first, a row of numbers an image (`drawn`); what they do to pixels (`augmented`) is then a plain
function that runs where the network does. Crop, resize and mirroring are one matrix for the lines and one for the
columns of each image, and so is the blur.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ictc.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

Numbers = NDArray[np.float32]

COLUMNS = (
    *("top", "left", "height", "width", "mirrored"),
    *("jittered", "brightness", "contrast", "saturation", "hue", "order"),
    *("grey", "sigma", "solarised"),
)
"""The crop in pixels; 1 or 0 for what is done or left; factors, and turns of the hue; the number of the order in which
the four changes of colour are made; the blur's standard deviation in pixels, 0 for none."""
_AT = {name: i for i, name in enumerate(COLUMNS)}

RATIO = (3 / 4, 4 / 3)
SIGMA = (0.1, 2.0)
_TRIES = 10
_LUMA = (0.299, 0.587, 0.114)
_ORDERS = 24


@dataclass(frozen=True)
class View:
    """How far a view may be from its image. `crop`: the smallest share of the area that is kept. `jitter`: the strength
    of the changes of colour, of which four in five images get some. The others are probabilities."""

    crop: float = 0.2
    jitter: float = 0.5
    blur: float = 0.0
    grey: float = 0.2
    solarise: float = 0.0

    def check(self) -> None:
        """Raises UsageError: a number that cannot be."""
        for name, value, ok, wanted in (
            ("--crop", self.crop, 0 < self.crop <= 1, "above 0 and up to 1, such as 0.2"),
            ("--jitter", self.jitter, 0 <= self.jitter <= 2, "from 0 to 2, such as 0.5"),
            ("--blur", self.blur, 0 <= self.blur <= 1, "from 0 to 1, such as 0.5"),
        ):
            if not ok:
                raise UsageError(f"{name} is {value}.", f"Give a number {wanted}.")


def drawn(count: int, side: int, view: View, draw: np.random.Generator) -> Numbers:
    """[count, len(COLUMNS)]: what is done to each of `count` images of side x side pixels."""
    rows = np.zeros((count, len(COLUMNS)), np.float32)
    rows[:, :4] = [_crop(side, view.crop, draw) for _ in range(count)]
    rows[:, _AT["mirrored"]] = draw.random(count) < 0.5
    rows[:, _AT["jittered"]] = draw.random(count) < 0.8
    reach = 0.8 * view.jitter
    for name in ("brightness", "contrast", "saturation"):
        rows[:, _AT[name]] = draw.uniform(max(0.0, 1 - reach), 1 + reach, count)
    turn = min(0.5, 0.2 * view.jitter)
    rows[:, _AT["hue"]] = draw.uniform(-turn, turn, count)
    rows[:, _AT["order"]] = draw.integers(_ORDERS, size=count)
    rows[:, _AT["grey"]] = draw.random(count) < view.grey
    rows[:, _AT["sigma"]] = draw.uniform(*SIGMA, count) * (draw.random(count) < view.blur)
    rows[:, _AT["solarised"]] = draw.random(count) < view.solarise
    return rows


def augmented(pixels: Tensor, rows: Tensor) -> Tensor:
    """`pixels` uint8 [n, 3, side, side], `rows` [n, len(COLUMNS)]; gives the same shape as float32 from 0 to 1. In full
    precision also where the network is in half."""
    import torch

    with torch.no_grad(), torch.autocast(pixels.device.type, enabled=False):
        given = {name: rows[:, i].float() for name, i in _AT.items()}
        found = cropped(pixels.float() / 255, *(given[name] for name in COLUMNS[:5]))
        found = jittered(found, given)
        found = torch.where(_wide(given["grey"]) > 0, grey_of(found).expand_as(found), found)
        found = blurred(found, given["sigma"])
        return torch.where((_wide(given["solarised"]) > 0) & (found >= 0.5), 1 - found, found)


def _crop(side: int, least: float, draw: np.random.Generator) -> tuple[int, int, int, int]:
    """Top, left, height and width: a share of the area from `least` to 1, a ratio of the sides from 3/4 to 4/3
    (uniform on the logarithm); the whole image where ten tries do not fit."""
    low, high = math.log(RATIO[0]), math.log(RATIO[1])
    for _ in range(_TRIES):
        area, ratio = side * side * draw.uniform(least, 1), math.exp(draw.uniform(low, high))
        width, height = max(1, round(math.sqrt(area * ratio))), max(1, round(math.sqrt(area / ratio)))
        if width <= side and height <= side:
            return int(draw.integers(side - height + 1)), int(draw.integers(side - width + 1)), height, width
    return 0, 0, side, side


def cropped(pixels: Tensor, top: Tensor, left: Tensor, height: Tensor, width: Tensor, mirrored: Tensor) -> Tensor:
    """Each image's crop at full size again: bilinear, widened where it gets smaller (`interpolate`, `antialias`)."""
    import torch

    lines, columns = _resizing(top, height, pixels.shape[2]), _resizing(left, width, pixels.shape[3])
    columns = torch.where(mirrored.view(-1, 1, 1) > 0, columns.flip(1), columns)
    return _through(lines, pixels, columns)


def _resizing(start: Tensor, length: Tensor, side: int) -> Tensor:
    """[n, side, side]: the weights of the old pixels (last axis) in each new one."""
    import torch

    places = torch.arange(side, device=start.device) + 0.5
    scale = (length / side).view(-1, 1, 1)
    begin, end = start.view(-1, 1, 1), (start + length).view(-1, 1, 1)
    far = (places - (begin + places.view(1, -1, 1) * scale)).abs() / scale.clamp(min=1)
    weights = (1 - far).clamp(min=0) * ((places > begin) & (places < end))
    return weights / weights.sum(2, keepdim=True)


def _through(lines: Tensor, pixels: Tensor, columns: Tensor) -> Tensor:
    """Both matrices of each image [n, side, side], on all its channels."""
    return lines.unsqueeze(1) @ pixels @ columns.transpose(1, 2).unsqueeze(1)


def jittered(pixels: Tensor, given: dict[str, Tensor]) -> Tensor:
    """Brightness, contrast, saturation and hue changed, in each image's own order."""
    import torch

    changes: tuple[tuple[str, Callable[[Tensor, Tensor], Tensor]], ...] = (
        ("brightness", lambda x, f: (x * _wide(f)).clamp(0, 1)),
        ("contrast", lambda x, f: blended(x, grey_of(x).mean((2, 3), keepdim=True), f)),
        ("saturation", lambda x, f: blended(x, grey_of(x), f)),
        ("hue", turned),
    )
    orders = torch.tensor(_orders(), device=pixels.device)[given["order"].long()]
    found = pixels.clone()
    for place in range(len(changes)):
        for number, (name, change) in enumerate(changes):
            chosen = ((orders[:, place] == number) & (given["jittered"] > 0)).nonzero().flatten()
            if len(chosen):
                found[chosen] = change(found[chosen], given[name][chosen])
    return found


def _orders() -> list[tuple[int, ...]]:
    from itertools import permutations

    return list(permutations(range(4)))


def grey_of(pixels: Tensor) -> Tensor:
    """[n, 1, h, w], by the weights of ITU-R BT.601."""
    weights = pixels.new_tensor(_LUMA).view(1, 3, 1, 1)
    return (pixels * weights).sum(1, keepdim=True)


def blended(pixels: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    """From `other` (factor 0) through the image itself (1) and beyond."""
    return (pixels * _wide(factor) + other * (1 - _wide(factor))).clamp(0, 1)


def turned(pixels: Tensor, turn: Tensor) -> Tensor:
    """The hue turned by `turn` of a full circle; saturation and value of HSV stay."""
    import torch

    most, least = pixels.amax(1), pixels.amin(1)
    spread = most - least
    red, green, blue = pixels.unbind(1)
    safe = spread.clamp(min=1e-12)
    sector = torch.where(
        most == red,
        (green - blue) / safe,
        torch.where(most == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    hue = sector + 6 * turn.view(-1, 1, 1)
    channels = [(hue + at).remainder(6) for at in (5, 3, 1)]
    return torch.stack([most - spread * torch.minimum(k, 4 - k).clamp(0, 1) for k in channels], 1)


def blurred(pixels: Tensor, sigma: Tensor) -> Tensor:
    """By a Gaussian a tenth of the side wide (odd, 3 at least), mirrored at the rim; not where `sigma` is 0."""
    import torch

    side = pixels.shape[2]
    reach = max(1, side // 20)
    offsets = torch.arange(-reach, reach + 1, device=pixels.device)
    kernel = torch.exp(-(offsets**2) / (2 * sigma.clamp(min=1e-3).view(-1, 1) ** 2))
    kernel = kernel / kernel.sum(1, keepdim=True)
    period = max(1, 2 * (side - 1))
    places = (torch.arange(side, device=pixels.device).view(-1, 1) + offsets).remainder(period)
    places = torch.minimum(places, period - places)
    rows = torch.zeros(len(pixels), side, side, device=pixels.device)
    rows.scatter_add_(2, places.expand(len(pixels), -1, -1), kernel.unsqueeze(1).expand(-1, side, -1))
    return torch.where(_wide(sigma) > 0, _through(rows, pixels, rows), pixels)


def _wide(numbers: Tensor) -> Tensor:
    return numbers.view(-1, 1, 1, 1)
