"""Images through a loaded model: decoded and prepared by all cores while the model works on others.

The batch size is fixed, and halved where memory runs out: growing it would make the last bits of a vector depend on
what was embedded before. The device is no part of the fingerprint: a run may go on elsewhere.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

from numpy.typing import NDArray
from PIL import Image

from ictc.images.decode import ImageFault, open_rgb
from ictc.interfaces import Tick, Vectors, no_tick
from ictc.modeloptions import ModelOptions
from ictc.models.hf.batching import BatchSize
from ictc.models.hf.memory import give_back, ran_out
from ictc.types import Failure, Item

_ON_CPU, _ON_CARD = 16, 64  # images at once; divisors of embed.images.CHUNK, so that no batch is a stub
_LOG = logging.getLogger(__name__)

Pixels = Mapping[str, NDArray[Any]]
"""What a model takes of one image, by argument, each with a first axis of length 1."""

_Prepared = tuple[Item, Pixels | Failure]


class Tower(Protocol):
    """A loaded model of images. Not safe to be called from several threads, except for `pixels`. `hint`: how far a
    JPEG may be scaled down while it is decoded. A row of zeros is where the model gave no usable vector."""

    device: str

    @property
    def hint(self) -> tuple[int, int] | None: ...

    def pixels(self, image: Image.Image) -> Pixels: ...

    def images(self, batch: Sequence[Pixels]) -> Vectors: ...


T = TypeVar("T", bound=Tower)


class ImageEncoder(Generic[T]):
    """Implements `ImageEmbedder` and `Trained`. `load`: loads the weights, once, when they are first needed. `seen`:
    SHA-256 of the images that they were trained on here."""

    portable = True

    def __init__(
        self,
        fingerprint: Callable[[], str],
        options: ModelOptions,
        load: Callable[[], T],
        seen: frozenset[str] = frozenset(),
    ) -> None:
        self._fingerprint = fingerprint
        self._options = options
        self._load = load
        self.seen = seen
        self._lock = threading.Lock()
        self._tower: T | None = None

    @cached_property
    def fingerprint(self) -> str:
        return self._fingerprint()

    @cached_property
    def _size(self) -> BatchSize:
        size = self._options.batch_size or (_ON_CPU if self._loaded().device == "cpu" else _ON_CARD)
        return BatchSize(size, size)

    def embed_images(self, items: Sequence[Item], tick: Tick = no_tick) -> list[Vectors | Failure]:
        """float32 [d]; an image that cannot be decoded or prepared is a `Failure`.

        Raises:
            SpecError: the model cannot be loaded, needs code of its own, or is of another kind.
        """
        if not items:
            return []
        tower, found = self._loaded(), list[Vectors | Failure]()
        with ThreadPoolExecutor(os.cpu_count() or 1, "decode") as pool:
            ready = _prepared(pool, tower, items, 3 * self._size.now)
            while part := list(islice(ready, self._size.now)):
                able = [(item, p) for item, p in part if not isinstance(p, Failure)]
                rows = iter(self._rows(tower, able))
                found += [p if isinstance(p, Failure) else next(rows) for _, p in part]
                tick(len(part))
        return found

    def _loaded(self) -> T:
        with self._lock:
            if self._tower is None:
                self._tower = self._load()
            return self._tower

    def _rows(self, tower: Tower, part: Sequence[tuple[Item, Pixels]]) -> list[Vectors | Failure]:
        """As many images at once as memory holds."""
        if not part:
            return []
        rows = self._tried(tower, [pixels for _, pixels in part])
        if rows is not None:
            return [r if r.any() else _no_vector(item) for (item, _), r in zip(part, rows, strict=True)]
        give_back()
        if not self._size.ran_out(len(part)):
            return [_too_large(part[0][0])]
        _LOG.info("Out of memory with %d images at once; trying %d.", len(part), self._size.now)
        middle = self._size.now
        return self._rows(tower, part[:middle]) + self._rows(tower, part[middle:])

    def _tried(self, tower: Tower, pixels: Sequence[Pixels]) -> Vectors | None:
        """None where memory ran out, without the frames that would hold on to it."""
        try:
            with self._lock:
                return tower.images(pixels)
        except Exception as error:
            if ran_out(error):
                return None
            raise


def _prepared(pool: ThreadPoolExecutor, tower: Tower, items: Sequence[Item], ahead: int) -> Iterator[_Prepared]:
    """In order; no more than `ahead` images are held decoded."""
    waiting, left = deque[Future[_Prepared]](), iter(items)
    for item in islice(left, ahead):
        waiting.append(pool.submit(_prepare, tower, item))
    while waiting:
        done = waiting.popleft().result()
        for item in islice(left, 1):
            waiting.append(pool.submit(_prepare, tower, item))
        yield done


def _prepare(tower: Tower, item: Item) -> _Prepared:
    if item.path is None:
        return item, Failure(item.name, "image", "missing-file", "There is no image file, only a description.")
    try:
        image = open_rgb(item.path, hint=tower.hint)
    except ImageFault as fault:
        return item, fault.failure(item.name)
    try:
        return item, tower.pixels(image)
    except Exception as error:  # each family has its own limits on shapes, and its own errors for them
        message = f"The model's preparation refuses an image of {image.width} x {image.height}: {error}"
        return item, Failure(item.name, "describe", "bad-request", message)


def _no_vector(item: Item) -> Failure:
    return Failure(item.name, "describe", "not-finite", "The model gave no usable vector for this image.")


def _too_large(item: Item) -> Failure:
    message = "The device's memory does not hold even one image; use a smaller model or --device cpu."
    return Failure(item.name, "describe", "out-of-memory", message, retryable=True)
