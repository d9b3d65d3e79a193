"""Work for workers: what is asked of them decides what happens to them."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from ictc.engine import Compute
from ictc.errors import SpecError
from ictc.interfaces import Tick

KILLS, TOO_LARGE = -1, -2


@dataclass(frozen=True)
class Doubling:
    """Doubles numbers, a batch in `seconds`. At `KILLS` the worker dies, at `TOO_LARGE` its memory is full."""

    seconds: float = 0.0
    openable: bool = True
    side_by_side = False

    def open(self) -> Compute[int, tuple[int, str]]:
        if not self.openable:
            raise SpecError("There are no weights here.", "Copy them.")
        return self._doubled

    def lost(self, row: int, code: str, message: str) -> tuple[int, str]:
        return row, code

    def _doubled(self, rows: Sequence[int], _tick: Tick) -> list[tuple[int, str]]:
        time.sleep(self.seconds)
        if KILLS in rows:
            os._exit(1)
        if TOO_LARGE in rows:
            raise MemoryError
        return [(row, str(2 * row)) for row in rows]
