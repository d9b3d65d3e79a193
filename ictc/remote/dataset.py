"""Batches through Ray Data: an actor pool that opens the work once, results joined by their batch's number."""

from __future__ import annotations

import logging
import pickle
import warnings
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any, TypeVar

from ictc.engine import LOST, Work
from ictc.errors import StepError
from ictc.interfaces import Tick
from ictc.place import Place
from ictc.remote.connecting import workers_of
from ictc.remote.worker import Batches, Trouble

A = TypeVar("A")
R = TypeVar("R")

_WINDOW = 4096
"""Batches of one data set: so many are held here pickled (some 50 MB of images' names), whatever comes after them."""
_AHEAD = 2  # batches that a worker has at once
_TRIES = 3  # of a batch whose worker died

_Rows = list[tuple[int, Sequence[A]]]


def mapped(
    ray: Any, place: Place, work: Work[A, R], first: Sequence[A], left: Iterator[Sequence[A]], tick: Tick
) -> Iterator[list[R]]:
    """The results of all batches, in order.

    Raises:
        StepError: no worker can do the work, or Ray fails as a whole.
    """
    size = workers_of(ray, place)
    rest = chain([first], left)
    while window := list(enumerate(islice(rest, _WINDOW))):
        waiting: dict[int, list[R]] = {}
        given, expected = dict(window), 0
        for number, found in _through(ray, place, work, window, size):
            waiting[number] = found
            tick(len(found))
            while expected in waiting:
                yield waiting.pop(expected)
                expected += 1
        for number in range(expected, len(window)):  # those whose workers died each time
            if number not in waiting:
                waiting[number] = _one_by_one(ray, place, work, given[number], size)
                tick(len(waiting[number]))
            yield waiting.pop(number)


def _one_by_one(ray: Any, place: Place, work: Work[A, R], batch: Sequence[A], size: int) -> list[R]:
    """A batch that no worker survives, row by row, so that only those are given up that kill a worker alone."""
    alone: _Rows[A] = [(i, [row]) for i, row in enumerate(batch)]
    found = dict(_through(ray, place, work, alone, min(size, len(alone)))) if len(batch) > 1 else {}
    message = f"The worker died {_TRIES} times while it was computed (killed by the system, perhaps out of memory)."
    return [found[i][0] if i in found else work.lost(row, LOST, message) for i, row in enumerate(batch)]


def _through(ray: Any, place: Place, work: Work[A, R], batches: _Rows[A], size: int) -> Iterator[tuple[int, list[R]]]:
    """What there is of them, by number; nothing of a batch whose worker died `_TRIES` times."""
    from ray.data import ActorPoolStrategy, from_items

    rows = [{"number": number, "batch": pickle.dumps(batch, protocol=5)} for number, batch in batches]
    data = from_items(rows, override_num_blocks=len(rows))
    _set(data.context)
    workers = min(size, len(rows))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # how an actor is retried has no named parameter (Ray 2.60)
        data = data.map_batches(
            Batches,
            fn_constructor_args=(pickle.dumps(work, protocol=5),),
            batch_size=None,
            compute=ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=_AHEAD),
            num_cpus=place.ray_cpus,
            num_gpus=place.ray_gpus or None,
            max_restarts=_TRIES * workers,
            max_task_retries=_TRIES - 1,
        )
    expected = {number: len(batch) for number, batch in batches}
    try:
        for row in data.iter_rows():
            number, found = int(row["number"]), pickle.loads(row["found"])  # noqa: S301 (from a worker of this job)
            if isinstance(found, Trouble):
                raise StepError(
                    f"A worker cannot do it: {found.message}",
                    f"{found.hint} (On every machine of the cluster.)" if found.hint else "",
                )
            if expected.pop(number, None) == len(found):  # once, and whole
                yield number, found
    except ray.exceptions.RayError as error:
        raise failed(error) from error


def failed(error: BaseException) -> StepError:
    """Ray's own errors are pages long; the last line says what it was."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return StepError(
        f"Ray failed: {lines[-1] if lines else type(error).__name__} ({type(error).__name__})",
        "The same command goes on from what is kept. Workers need the same ictc, its extras and the models' weights.",
    )


def _set(context: Any) -> None:
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # only now: the first data set sets up its own
    context.max_errored_blocks = -1  # a batch that kills its workers is missing in the results, and is no error of all
