"""IDX, MNIST's format: two zero bytes, the type, the number of dimensions, each as a big-endian word, then the values.

Source: the description at the end of LeCun's MNIST page. Plain or gzip, told by the first bytes.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ictc.datasets.formats.packed import unpacked
from ictc.datasets.recipe import Pixels, Place
from ictc.errors import InputError

_UBYTE = 0x08
MOST = 1 << 30
"""Bytes of one file, unpacked. MNIST's largest has 47 million."""


def images(place: Place, name: str) -> Pixels:
    """(number, height, width), read only."""
    return _values(place, name, 3)


def labels(place: Place, name: str, *, most: int, count: int) -> NDArray[np.uint8]:
    """`count` labels from 0 to `most`."""
    values = _values(place, name, 1)
    if len(values) != count:
        raise InputError(f"{name} has {len(values):,} labels for {count:,} images.", "Give both files of one set.")
    if len(values) and values.max() > most:
        at = int(np.argmax(values > most))
        raise InputError(f"{name}: label {at} (byte {8 + at}) is {values[at]}, not 0 to {most}.", "Get the file again.")
    return values


def _values(place: Place, name: str, dimensions: int) -> Pixels:
    data = unpacked(name, place.read(name, MOST), MOST)
    head = 4 + 4 * dimensions
    if len(data) < head or data[:4] != bytes([0, 0, _UBYTE, dimensions]):
        begins = data[:4].hex(" ") or "nothing"
        raise InputError(
            f"{name} is no IDX file of bytes: it begins with {begins}, not with 00 00 08 {dimensions:02x}.",
            "Get the file again; unpacking it is not needed.",
        )
    shape = tuple(int(n) for n in np.frombuffer(data, ">u4", dimensions, 4))
    if len(data) - head != math.prod(shape):
        stated = " x ".join(map(str, shape))
        raise InputError(
            f"{name}: {stated} values are stated, but {len(data) - head:,} follow at byte {head}.",
            "It was cut off or changed: get the file again.",
        )
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)
