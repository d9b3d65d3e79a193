"""`HfModel`: one `Model` over every family, with batches that adapt to the memory there is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from importlib.metadata import version

from PIL import Image

from ictc.errors import IctcError
from ictc.images.upload import VERSION as PREPARED
from ictc.images.upload import picture
from ictc.modeloptions import ModelOptions
from ictc.models.hf.batching import BatchSize, Numbered, alike, windows
from ictc.models.hf.family import Family
from ictc.models.hf.memory import give_back, ran_out
from ictc.models.hf.spec import Source
from ictc.types import Failure, Reply, Request

_VERSION = "hf/1"
"""To be changed with every change here that can give other answers."""

_START = 8
_MOST = 64  # beyond which a card gains little from larger batches
_LOG = logging.getLogger(__name__)

_Answers = list[tuple[int, Reply | Failure]]


class HfModel:
    """Implements `Model`. Weights are loaded at the first request; one batch at a time goes through them.

    The device is no part of the fingerprint: a run may go on elsewhere. On a CPU (float32) answers do not depend on
    the batch; in bfloat16 a near tie between two words can fall differently.
    """

    def __init__(self, source: Source, options: ModelOptions, load: Callable[[], Family]) -> None:
        self._source = source
        self._options = options
        self._load = load
        self._family: Family | None = None
        start = options.batch_size or _START
        self._size = BatchSize(start, start if options.batch_size else _MOST)
        self._lock = threading.Lock()

    @property
    def fingerprint(self) -> str:
        pictures = f",{PREPARED},{self._options.image_side}" if self._source.sees else ""
        return f"{self.text_fingerprint}{pictures}"

    @cached_property
    def text_fingerprint(self) -> str:
        return f"{_VERSION}:{self._source.digest},transformers=={version('transformers')}"

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply | Failure]]:
        for window in windows(requests, self._size):
            family = self._loaded()
            for group in alike(window, family.kind, family.length):
                yield from self._in_batches(family, group)

    def _loaded(self) -> Family:
        with self._lock:
            if self._family is None:
                self._family = self._load()
            return self._family

    def _in_batches(self, family: Family, group: Sequence[Numbered]) -> Iterator[tuple[int, Reply | Failure]]:
        start = 0
        while start < len(group):
            part = group[start : start + self._size.now]
            answers, error = self._tried(family, part)
            if answers is not None:
                self._size.fitted(len(part))
                start += len(part)
                yield from answers
            elif isinstance(error, _RanOut) and self._size.ran_out(len(part)):
                give_back()
                _LOG.info("Out of memory with %d requests at once; trying %d.", len(part), self._size.now)
            else:
                give_back()
                start += len(part)
                yield from self._one_by_one(family, part, error)

    def _one_by_one(
        self, family: Family, part: Sequence[Numbered], error: Exception | None
    ) -> Iterator[tuple[int, Reply | Failure]]:
        """What fails together is asked apart, so that only what cannot be done is lost."""
        if len(part) == 1:
            yield part[0][0], _failure(part[0][1], error)
            return
        for numbered in part:
            yield from self._in_batches(family, [numbered])

    def _tried(self, family: Family, part: Sequence[Numbered]) -> tuple[_Answers | None, Exception | None]:
        """The answers, or what stood in their way, without the frames that would hold on to memory."""
        seen = [_picture(request, self._options.image_side, self._source) for _, request in part]
        able = [i for i, p in enumerate(seen) if not isinstance(p, Failure)]
        pictures = [p for p in seen if not isinstance(p, Failure)]
        try:
            with self._lock:
                some = iter(family.answers([part[i][1] for i in able], pictures) if able else [])
        except IctcError:
            raise
        except Exception as error:
            if ran_out(error):
                return None, _RanOut(str(error))
            return None, RuntimeError(f"{type(error).__name__}: {error}")
        return [(n, p if isinstance(p, Failure) else next(some)) for (n, _), p in zip(part, seen, strict=True)], None


class _RanOut(Exception):
    """A batch did not fit into memory."""


def _picture(request: Request, side: int, source: Source) -> Image.Image | Failure | None:
    if request.image is None:
        return None
    if not source.sees:
        message = f"hf:{source.place} reads text only; it cannot see a picture."
        return Failure("", request.stage, "bad-request", message)
    found = picture(request.image, side)
    return replace(found, image="") if isinstance(found, Failure) else found


def _failure(request: Request, error: Exception | None) -> Failure:
    if isinstance(error, _RanOut):
        message = "The device's memory does not hold even one request; a smaller model or ,4bit needs less."
        return Failure("", request.stage, "out-of-memory", message, retryable=True)
    return Failure("", request.stage, "bad-request", f"The model could not take it: {error}")
