"""What runs on a worker: the work, opened once, and what went wrong as plain values. Nothing here writes a store."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ictc.engine import OUT_OF_MEMORY, Compute, Work
from ictc.errors import IctcError
from ictc.interfaces import no_tick


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a worker cannot do anything at all: no row is to blame."""

    message: str
    hint: str = ""


def trouble(error: BaseException) -> Trouble:
    if isinstance(error, IctcError):
        return Trouble(error.message, error.hint)
    return Trouble(f"{type(error).__name__}: {error}")


class Batches:
    """For Ray Data: called with a block of one row, a batch by its number."""

    def __init__(self, work: bytes) -> None:
        self._trouble: Trouble | None = None
        try:
            self._work: Work[Any, Any] = pickle.loads(work)  # noqa: S301 (from the driver of this very job)
            self._compute: Compute[Any, Any] = self._work.open()
        except Exception as error:
            self._trouble = trouble(error)

    def __call__(self, block: Mapping[str, Any]) -> dict[str, list[Any]]:
        numbers = [int(number) for number in block["number"]]
        return {"number": numbers, "found": [pickle.dumps(self._done(b), protocol=5) for b in block["batch"]]}

    def _done(self, batch: bytes) -> list[Any] | Trouble:
        if self._trouble is not None:
            return self._trouble
        try:
            return done(self._work, self._compute, pickle.loads(batch))  # noqa: S301
        except Exception as error:
            return trouble(error)


def done(work: Work[Any, Any], compute: Compute[Any, Any], rows: Sequence[Any]) -> list[Any]:
    """The results of all rows; where memory does not hold them at once, one by one, so that only those fail that it
    does not hold alone."""
    try:
        return compute(rows, no_tick)
    except MemoryError as error:
        if len(rows) > 1:
            return [result for row in rows for result in done(work, compute, [row])]
        return [work.lost(rows[0], OUT_OF_MEMORY, f"A worker's memory does not hold it: {error or 'MemoryError'}")]


def here(environment: Mapping[str, str]) -> None:
    """What models read from the environment, as it is where the command runs."""
    os.environ.update(environment)
