"""Files in the true formats of MNIST, CIFAR and STL-10, tiny, as their publishers pack them."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tests.archived import tarred

Pixels = NDArray[np.uint8]
OBJECTS = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
COARSE = ["aquatic_mammals", "fish", "flowers"]
FINE = ["beaver", "dolphin", "flatfish", "orchid", "ray", "rose"]


def pixels(number: int, *shape: int) -> Pixels:
    return np.random.default_rng(number).integers(0, 256, (number, *shape), dtype=np.uint8)


def idx(values: Pixels) -> bytes:
    return bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


def mnist(folder: Path, images: Pixels, digits: Sequence[int], stem: str = "t10k") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in (("images-idx3", images), ("labels-idx1", np.array(digits, np.uint8))):
        (folder / f"{stem}-{name}-ubyte.gz").write_bytes(gzip.compress(idx(values), mtime=0))
    return folder


def planes(images: Pixels) -> Pixels:
    """(n, 32, 32, 3) as CIFAR's rows: red, green, blue."""
    return images.transpose(0, 3, 1, 2).reshape(len(images), -1)


def pickled(content: dict[str, object]) -> bytes:
    """As Python 2 and its numpy wrote it: texts and arrays are byte strings, numpy's module has its old name."""
    file = io.BytesIO()
    _Python2(file, protocol=2).dump({key.encode(): value for key, value in content.items()})
    return file.getvalue().replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


class _Python2(pickle._Pickler):  # type: ignore[name-defined,misc] # the one written in Python: the other is closed
    dispatch: ClassVar[dict[type, Any]] = dict(pickle._Pickler.dispatch)  # type: ignore[attr-defined]

    def save_bytes(self, data: bytes) -> None:
        if len(data) < 256:
            self.write(pickle.SHORT_BINSTRING + bytes([len(data)]) + data)
        else:
            self.write(pickle.BINSTRING + struct.pack("<i", len(data)) + data)
        self.memoize(data)

    def save_text(self, text: str) -> None:
        self.save_bytes(text.encode("latin1"))

    dispatch[bytes] = save_bytes
    dispatch[str] = save_text


def cifar10_python(path: Path, images: Pixels, labels: Sequence[int]) -> Path:
    names = [f"{OBJECTS[label]}_s_{i:06}.png" for i, label in enumerate(labels)]
    batch = {"batch_label": "testing batch 1 of 1", "labels": [*labels], "data": planes(images), "filenames": names}
    meta = {"num_cases_per_batch": 10000, "label_names": OBJECTS, "num_vis": 3072}
    files = {"test_batch": pickled(batch), "batches.meta": pickled(meta), "readme.html": b"<html></html>"}
    return tarred(path, {f"cifar-10-batches-py/{name}": data for name, data in files.items()})


def cifar10_binary(path: Path, images: Pixels, labels: Sequence[int]) -> Path:
    rows = np.hstack([np.array(labels, np.uint8)[:, None], planes(images)])
    files = {"test_batch.bin": rows.tobytes(), "batches.meta.txt": ("\n".join(OBJECTS) + "\n\n").encode()}
    return tarred(path, {f"cifar-10-batches-bin/{name}": data for name, data in files.items()})


def cifar100_python(path: Path, images: Pixels, coarse: Sequence[int], fine: Sequence[int]) -> Path:
    batch = {"data": planes(images), "coarse_labels": [*coarse], "fine_labels": [*fine], "batch_label": "testing"}
    meta = {"coarse_label_names": COARSE, "fine_label_names": FINE}
    return tarred(path, {"cifar-100-python/test": pickled(batch), "cifar-100-python/meta": pickled(meta)})


def cifar100_binary(path: Path, images: Pixels, coarse: Sequence[int], fine: Sequence[int]) -> Path:
    rows = np.hstack([np.array([coarse, fine], np.uint8).T, planes(images)])
    names = {"coarse_label_names.txt": COARSE, "fine_label_names.txt": FINE}
    files = {name: "\n".join(lines).encode() for name, lines in names.items()} | {"test.bin": rows.tobytes()}
    return tarred(path, {f"cifar-100-binary/{name}": data for name, data in files.items()})


def stl10(path: Path, images: Pixels, labels: Sequence[int]) -> Path:
    """(n, 96, 96, 3), column by column."""
    files = {
        "test_X.bin": images.transpose(0, 3, 2, 1).tobytes(),
        "test_y.bin": bytes(labels),
        "class_names.txt": b"airplane\nbird\ncar\n",
        "unlabeled_X.bin": bytes(96 * 96 * 3),
    }
    return tarred(path, {f"stl10_binary/{name}": data for name, data in files.items()})
