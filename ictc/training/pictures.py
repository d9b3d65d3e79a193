"""The images of a training as pixels: read once, kept while they fit into memory, squashed to one size.

Those beyond are read anew in each epoch, by all cores, while the network works on the batch before (`ahead`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ictc.errors import InputError
from ictc.images.decode import ImageFault, open_rgb
from ictc.progress import Watch
from ictc.training.labelled import none_readable
from ictc.types import Failure, Item
from step1.squares import squares

if TYPE_CHECKING:
    from torch import Tensor

Index = NDArray[np.int64]
Square = NDArray[np.uint8]
KEPT = 2 * 2**30
"""Bytes of pixels that are kept."""


class Pictures:
    """`items`: those that could be read, in order; `failures`: those that could not."""

    def __init__(self, items: Sequence[Item], side: int, watch: Watch, kept: int = KEPT) -> None:
        """Raises InputError: none can be read."""
        self._side = side
        self._most = kept // (3 * side * side)
        self._squares: list[Square] = []
        self.items: list[Item] = []
        self.failures: list[Failure] = []
        with watch("read", len(items)) as tick, ThreadPoolExecutor(os.cpu_count() or 1, "decode") as pool:
            for item, found in zip(items, pool.map(lambda i: square_of(i, side), items), strict=True):
                if isinstance(found, Failure):
                    self.failures.append(found)
                else:
                    self.items.append(item)
                    if len(self._squares) < self._most:
                        self._squares.append(found)
                tick(1)
        if not self.items:
            raise none_readable(self.failures)

    def pixels(self, numbers: Index) -> Tensor:
        """uint8 [n, 3, side, side] of the images with these numbers."""
        import torch

        if numbers.max(initial=0) < len(self._squares):
            rows = [self._squares[int(i)] for i in numbers]
        else:
            with ThreadPoolExecutor(os.cpu_count() or 1, "decode") as pool:
                rows = list(pool.map(self._square, numbers.tolist()))
        return torch.from_numpy(np.stack(rows)).permute(0, 3, 1, 2)

    def batches(self, size: int) -> Iterator[Tensor]:
        """All from 0 to 1, float32 [n, 3, side, side], in order; none of one image alone where there are more."""
        count = max(1, round(len(self.items) / size))
        for numbers in np.array_split(np.arange(len(self.items)), count):
            yield as_floats(self.pixels(numbers))

    def _square(self, number: int) -> Square:
        if number < len(self._squares):
            return self._squares[number]
        item = self.items[number]
        found = square_of(item, self._side)
        if isinstance(found, Failure):
            raise InputError(f"{item.path} cannot be read any more: {found.message}", "Put it back.")
        check_same(item)
        return found


def check_same(item: Item) -> None:
    """What is learned is what is told: an image that was replaced meanwhile is in no list of those trained on.

    Raises:
        InputError: the file is gone, or has other bytes than it had.
    """
    if item.path is None or not item.sha256:
        return
    try:
        with item.path.open("rb") as file:
            same = hashlib.file_digest(file, "sha256").hexdigest() == item.sha256
    except OSError as error:
        raise InputError(f"{item.path} cannot be read any more: {error.strerror or error}", "Put it back.") from error
    if not same:
        raise InputError(
            f"{item.path} was replaced while it was trained on.",
            "Put it back, and run the same again, which goes on; or begin anew with what is there: --restart",
        )


def square_of(item: Item, side: int) -> Square | Failure:
    """uint8 [side, side, 3]"""
    if item.path is None:
        return Failure(item.name, "image", "missing-file", "There is no image file, only a description.")
    try:
        return np.ascontiguousarray(squares([open_rgb(item.path, hint=(side, side))], side)[0])
    except ImageFault as fault:
        return fault.failure(item.name)


Views = Callable[["Tensor", np.random.Generator], "Tensor"]
"""From pixels from 0 to 1, float32 [n, 3, h, w], to pixels augmented."""


def as_floats(pixels: Tensor) -> Tensor:
    """uint8 to float32 from 0 to 1."""
    return pixels.float().div_(255)


def flipped(pixels: Tensor, draw: np.random.Generator) -> Tensor:
    """Every other image, drawn at random, mirrored left to right."""
    import torch

    mirrored = torch.from_numpy(draw.random(len(pixels)) < 0.5).view(-1, 1, 1, 1)
    return torch.where(mirrored, pixels.flip(-1), pixels)
