"""The engine itself: who gets what."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from ictc.engine import Work
from ictc.interfaces import Model, Tick, no_tick
from ictc.modeloptions import ModelOptions
from ictc.place import Place
from ictc.remote.connecting import connected
from ictc.remote.dataset import mapped
from ictc.remote.model import RayModel

A = TypeVar("A")
R = TypeVar("R")


class RayEngine:
    """Implements `Engine`.

    Images and texts, which are known beforehand, go through Ray Data. Models are asked through a pool of workers that
    stays while the process lasts: whether a request may be sent is decided when earlier ones were answered and paid
    for, and a data set cannot be given rows while it runs.
    """

    at_once = True

    def __init__(self, place: Place) -> None:
        self._place = place
        self._models: dict[bytes, RayModel] = {}

    def map(self, work: Work[A, R], batches: Iterable[Sequence[A]], tick: Tick = no_tick) -> Iterator[list[R]]:
        left = iter(batches)
        if (first := next(left, None)) is None:
            return
        ray = connected(self._place)
        self._make_room()
        yield from mapped(ray, self._place, work, first, left, tick)

    def model(self, make: Callable[[ModelOptions], Model], options: ModelOptions) -> Model:
        """A provider's batch interface waits and computes nothing: that is done here."""
        bare = make(options)
        if options.batch:
            return bare
        key = pickle.dumps((make, options))
        if key not in self._models or self._models[key].gone:
            connect = partial(connected, self._place)
            self._models[key] = RayModel(bare, make, options, self._place, connect, self._make_room)
        return self._models[key]

    def _make_room(self) -> None:
        """Workers of models that nobody asks just now make way, also where there is room beside them: it could be on a
        machine that dies, and then what was there would find no place to start again."""
        for model in self._models.values():
            model.rest()
