"""`clip:`, `siglip:` and `hf:REPO_OR_DIR`: dual encoders of transformers, image and text towers into one space.

CLIP (Radford et al., ICML 2021), SigLIP and SigLIP 2 (Zhai et al., ICCV 2023; Tschannen et al., 2025), AltCLIP,
Chinese-CLIP, ALIGN and what else has `get_image_features` and `get_text_features`. The three names load whatever the
folder holds; code that comes with a model is never run. float32 on a CPU, half precision elsewhere (cosines then
differ by about .001).
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from importlib.metadata import version
from itertools import islice

import numpy as np

from ictc.embedders.towers import Pixels, Towers, TwoTowers
from ictc.errors import SpecError
from ictc.images.decode import ImageFault, open_rgb
from ictc.interfaces import Tick, Vectors, no_tick
from ictc.modeloptions import ModelOptions
from ictc.models.hf.batching import BatchSize
from ictc.models.hf.memory import give_back, ran_out
from ictc.models.hf.spec import Source, read
from ictc.registry import EmbedderContext
from ictc.types import Failure, Item

_VERSION = "dual/1"
"""To be changed with every change here that can give other vectors."""

_ON_CPU, _ON_CARD = 16, 64  # images at once; divisors of embed.images.CHUNK, so that no batch is a stub
_TEXTS = 64
_LOG = logging.getLogger(__name__)

_Prepared = tuple[Item, Pixels | Failure]


def clip(argument: str, context: EmbedderContext) -> DualEncoder:
    """The entry point `clip`. Reads the configuration; libraries and weights are loaded when first needed.

    Raises:
        SpecError: there is no such model, its weights are pickles, or it is no dual encoder.
    """
    return _made("clip", argument, context)


def siglip(argument: str, context: EmbedderContext) -> DualEncoder:
    """The entry point `siglip`; see `clip`."""
    return _made("siglip", argument, context)


def hf(argument: str, context: EmbedderContext) -> DualEncoder:
    """The entry point `hf`; see `clip`."""
    return _made("hf", argument, context)


def _made(kind: str, argument: str, context: EmbedderContext) -> DualEncoder:
    source = read(argument, kind, embeds=True)
    if source.bits:
        raise SpecError(
            f"{source.spec} is asked for in {source.bits} bits, but embedders are loaded as they are.",
            f"Write: {source.spec}",
        )
    options = replace(context.options, trust_remote_code=False)
    return DualEncoder(lambda: _fingerprint(source), options, lambda: Towers(source, options))


def _fingerprint(source: Source) -> str:
    packages = ",".join(f"{p}=={version(p)}" for p in ("transformers", "pillow"))
    return f"{_VERSION}:{source.digest},{packages}"


class DualEncoder:
    """Implements `JointEmbedder`. Images are decoded and prepared by all cores while the model works on others.

    The batch size is fixed, and halved where memory runs out: growing it would make the last bits of a vector depend
    on what was embedded before. The device is no part of the fingerprint: a run may go on elsewhere.
    """

    def __init__(self, fingerprint: Callable[[], str], options: ModelOptions, load: Callable[[], TwoTowers]) -> None:
        self._fingerprint = fingerprint
        self._options = options
        self._load = load
        self._lock = threading.Lock()
        self._towers: TwoTowers | None = None

    @cached_property
    def fingerprint(self) -> str:
        return self._fingerprint()

    @cached_property
    def _size(self) -> BatchSize:
        size = self._options.batch_size or (_ON_CPU if self._loaded().device == "cpu" else _ON_CARD)
        return BatchSize(size, size)

    def embed_images(self, items: Sequence[Item], tick: Tick = no_tick) -> list[Vectors | Failure]:
        """float32 [d] unit vectors; an image that cannot be decoded or prepared is a `Failure`.

        Raises:
            SpecError: the model cannot be loaded, needs code of its own, or is no dual encoder.
        """
        if not items:
            return []
        towers, found = self._loaded(), list[Vectors | Failure]()
        with ThreadPoolExecutor(os.cpu_count() or 1, "decode") as pool:
            ready = _prepared(pool, towers, items, 3 * self._size.now)
            while part := list(islice(ready, self._size.now)):
                able = [(item, p) for item, p in part if not isinstance(p, Failure)]
                rows = iter(self._rows(towers, able))
                found += [p if isinstance(p, Failure) else next(rows) for _, p in part]
                tick(len(part))
        return found

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        """Unit rows [n, d]. A text without words is a row of zeros; one too long is cut, with a warning."""
        towers = self._loaded()
        rows = np.zeros((len(texts), towers.dim), np.float32)
        place = [i for i, text in enumerate(texts) if text.strip()]
        tick(len(texts) - len(place))
        for start in range(0, len(place), _TEXTS):
            part = place[start : start + _TEXTS]
            with self._lock:
                rows[part] = towers.texts([texts[i] for i in part])
            tick(len(part))
        return rows

    def _loaded(self) -> TwoTowers:
        with self._lock:
            if self._towers is None:
                self._towers = self._load()
            return self._towers

    def _rows(self, towers: TwoTowers, part: Sequence[tuple[Item, Pixels]]) -> list[Vectors | Failure]:
        """As many images at once as memory holds."""
        if not part:
            return []
        rows = self._tried(towers, [pixels for _, pixels in part])
        if rows is not None:
            return [r if r.any() else _no_vector(item) for (item, _), r in zip(part, rows, strict=True)]
        give_back()
        if not self._size.ran_out(len(part)):
            return [_too_large(part[0][0])]
        _LOG.info("Out of memory with %d images at once; trying %d.", len(part), self._size.now)
        middle = self._size.now
        return self._rows(towers, part[:middle]) + self._rows(towers, part[middle:])

    def _tried(self, towers: TwoTowers, pixels: Sequence[Pixels]) -> Vectors | None:
        """None where memory ran out, without the frames that would hold on to it."""
        try:
            with self._lock:
                return towers.images(pixels)
        except Exception as error:
            if ran_out(error):
                return None
            raise


def _prepared(pool: ThreadPoolExecutor, towers: TwoTowers, items: Sequence[Item], ahead: int) -> Iterator[_Prepared]:
    """In order; no more than `ahead` images are held decoded."""
    waiting, left = deque[Future[_Prepared]](), iter(items)
    for item in islice(left, ahead):
        waiting.append(pool.submit(_prepare, towers, item))
    while waiting:
        done = waiting.popleft().result()
        for item in islice(left, 1):
            waiting.append(pool.submit(_prepare, towers, item))
        yield done


def _prepare(towers: TwoTowers, item: Item) -> _Prepared:
    if item.path is None:
        return item, Failure(item.name, "image", "missing-file", "There is no image file, only a description.")
    try:
        image = open_rgb(item.path, hint=towers.hint)
    except ImageFault as fault:
        return item, fault.failure(item.name)
    try:
        return item, towers.pixels(image)
    except Exception as error:  # each family has its own limits on shapes, and its own errors for them
        message = f"The model's preparation refuses an image of {image.width} x {image.height}: {error}"
        return item, Failure(item.name, "describe", "bad-request", message)


def _no_vector(item: Item) -> Failure:
    return Failure(item.name, "describe", "not-finite", "The model gave no usable vector for this image.")


def _too_large(item: Item) -> Failure:
    message = "The device's memory does not hold even one image; use a smaller model or --device cpu."
    return Failure(item.name, "describe", "out-of-memory", message, retryable=True)
