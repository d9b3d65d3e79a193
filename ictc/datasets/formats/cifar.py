"""CIFAR-10 and CIFAR-100 as their page describes them: Python batches (pickles) and binary records.

An image is 3,072 bytes: 32 x 32 of red, then of green, then of blue, row by row. The pickles were made by Python 2 and
hold a dict with an array of such rows and lists of labels. Whatever else a pickle asks for is refused (`_Plain`): to
load one freely is to run a stranger's program.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ictc.datasets.recipe import Pixels, Place
from ictc.errors import InputError

SIDE = 32
_ROW = 3 * SIDE * SIDE
_MOST = 1 << 29  # bytes of one file; the largest has 155 million
_AGAIN = "It was cut off or changed: get the archive again."


@dataclass(frozen=True, slots=True)
class Batch:
    """`labels`: one array per kind of label, as the format has them. `names`: what the images are called, if known."""

    images: Pixels
    labels: tuple[NDArray[np.intp], ...]
    names: tuple[str, ...] = ()


def python_batch(place: Place, name: str, *kinds: str) -> Batch:
    """A pickled batch; `kinds`: the keys of the labels wanted (`labels`, or `coarse_labels` and `fine_labels`)."""
    found = _loaded(place, name)
    array = found.get("data")
    rows: Pixels = array.values if isinstance(array, _Array) else np.empty(0, np.uint8)
    if rows.ndim != 2 or rows.shape[1] != _ROW:
        raise InputError(f"{name} has no array 'data' of {_ROW:,} bytes a row.", _AGAIN)
    labels = []
    for kind in kinds:
        values = found.get(kind)
        if not isinstance(values, list) or not all(type(v) is int for v in values) or len(values) != len(rows):
            raise InputError(f"{name} has no list '{kind}' of {len(rows):,} numbers, one a row.", _AGAIN)
        labels.append(np.array(values, np.intp))
    names = found.get("filenames", [])
    whole = isinstance(names, list) and len(names) == len(rows) and all(isinstance(n, str) for n in names)
    return Batch(_images(rows), tuple(labels), tuple(names) if whole else ())


def python_names(place: Place, name: str, kind: str) -> list[str]:
    """The names of the classes, in the order of the labels, from `batches.meta` or `meta`."""
    names = _loaded(place, name).get(kind)
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise InputError(f"{name} has no list '{kind}' of names.", _AGAIN)
    return names


def binary_batch(place: Place, name: str, kinds: int = 1) -> Batch:
    """Records of `kinds` bytes of labels (CIFAR-100: coarse, fine) and 3,072 bytes of pixels."""
    data = np.frombuffer(place.read(name, _MOST), np.uint8)
    if not len(data) or len(data) % (kinds + _ROW):
        raise InputError(
            f"{name} has {len(data):,} bytes: no whole number of records of {kinds + _ROW:,}; the last one begins at"
            f" byte {len(data) - len(data) % (kinds + _ROW):,}.",
            _AGAIN,
        )
    rows = data.reshape(-1, kinds + _ROW)
    return Batch(_images(rows[:, kinds:]), tuple(rows[:, kind].astype(np.intp) for kind in range(kinds)))


def binary_names(place: Place, name: str) -> list[str]:
    """The names of the classes, one a line."""
    text = place.read(name, 1 << 16).decode("utf-8", "replace")
    return [line.strip() for line in text.splitlines() if line.strip()]


def named(name: str, labels: NDArray[np.intp], names: Sequence[str]) -> list[str]:
    """The class of each label."""
    if len(labels) and (labels.min() < 0 or labels.max() >= len(names)):
        at = int(np.argmax((labels < 0) | (labels >= len(names))))
        raise InputError(f"{name}: label {labels[at]} of image {at} is none of 0 to {len(names) - 1}.", _AGAIN)
    return [names[label] for label in labels]


def _images(rows: Pixels) -> Pixels:
    return rows.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)


class _Bytes:
    """In the place of a numpy.dtype: that of bytes, which is all that a batch has. Its state says nothing more."""

    def __init__(self, code: str, *_: object) -> None:
        if code.lstrip("|<>=") not in ("u1", "uint8"):
            raise pickle.UnpicklingError(f"it has values of type {code!r}, not bytes")

    def __setstate__(self, state: object) -> None:
        pass


class _Array:
    """In the place of a numpy.ndarray, made from a state that was looked at: numpy itself believes what a pickle says
    of its memory."""

    values: Pixels = np.empty(0, np.uint8)

    def __setstate__(self, state: tuple[object, tuple[int, ...], object, object, str | bytes]) -> None:
        _, shape, kind, by_column, data = state
        if not isinstance(kind, _Bytes) or by_column:
            raise pickle.UnpicklingError("it has an array that is not of bytes, row by row")
        packed = data.encode("latin1") if isinstance(data, str) else data
        self.values = np.frombuffer(packed, np.uint8).reshape(shape)


def _reconstruct(*_: object) -> _Array:
    return _Array()


def _encode(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes for Python 2."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it has text in {encoding!r}")
    return text.encode("latin1")


_ALLOWED: dict[tuple[str, str], Callable[..., Any] | None] = {
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _reconstruct for core in ("core", "_core")},
    ("numpy", "ndarray"): None,  # handed to _reconstruct
    ("numpy", "dtype"): _Bytes,
    ("_codecs", "encode"): _encode,
}
"""All that a pickle may name, and what it gets. Numbers, texts, lists and dicts need no name."""

_REMEMBERING = {"PUT", "BINPUT", "LONG_BINPUT"}


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no batch needs")
        return _ALLOWED[module, name]

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("it asks for objects from elsewhere")


def _loaded(place: Place, name: str) -> dict[str, Any]:
    data = place.read(name, _MOST)
    try:
        for code, argument, _ in pickletools.genops(data):  # lengths too: nothing is stated that does not follow
            if code.name in _REMEMBERING and isinstance(argument, int) and argument > len(data):
                raise pickle.UnpicklingError("it asks for more memory than it has bytes")
        found = _Plain(io.BytesIO(data), encoding="latin1").load()
    except pickle.UnpicklingError as error:
        raise InputError(f"{name} was not loaded: {error}.", "Get the archive again from the publisher.") from error
    except Exception as error:  # damaged bytes lead the machine anywhere among what is allowed
        raise InputError(f"{name} is no whole pickle ({type(error).__name__}: {error}).", _AGAIN) from error
    if not isinstance(found, dict):
        raise InputError(f"{name} holds no dict but a {type(found).__name__}.", _AGAIN)
    return found
