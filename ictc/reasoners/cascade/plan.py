"""How many model calls a cascade may make, and in which step."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ictc.errors import UsageError
from ictc.text import shortened

_FORM = re.compile(r"(?P<share>\d{1,3}(?:\.\d{1,12})?)\s*%|(?P<calls>\d{1,12})")
FEWEST = 20  # calls: with fewer, the cheap reasoner's labels serve, and all goes into names and assignments
_LABEL_SHARE = 0.25
_MOST_LABELS = 300  # descriptions: a name that none of 300 spread-out ones calls for holds under a hundredth of them
_MERGE_SHARE = 0.05
LEAST_MERGE = 3  # requests: the names, once more where they are wrong, and labels that were left


@dataclass(frozen=True, slots=True)
class Budget:
    """A share of what the method asks by itself (two requests an image and one more), or a number of requests."""

    share: float | None = None
    calls: int | None = None

    def __str__(self) -> str:
        return f"{self.calls}" if self.share is None else f"{100 * self.share:.12g}%"

    def plan(self, n: int, names_given: bool = False, levels: int = 1, pack: int = 1) -> Plan:
        """For `n` descriptions that say something, `pack` in a request. The same for all steps, in whichever process
        each of them runs, and for `--dry-run`. Where all names are given, labels and names cost nothing, but their
        broader groups do."""
        plan = self._plan(n, pack)
        if not names_given:
            return plan
        merge = min(plan.merge, LEAST_MERGE) if levels > 1 else 0
        return Plan(0, merge, plan.total - merge)

    def later(self, n: int) -> int:
        """Requests about `n` descriptions that come later: the same share of what asking for their labels and clusters
        takes, or the same number; never more than two for each."""
        asked = self.calls or 0 if self.share is None else math.floor(self.share * 2 * n + 1e-9)
        return min(asked, 2 * n)

    def _plan(self, n: int, pack: int) -> Plan:
        total = self.calls or 0 if self.share is None else math.floor(self.share * (2 * n + 1) + 1e-9)
        total = min(total, 2 * n + 1)
        if total < FEWEST:
            merge = min(total, LEAST_MERGE)
            return Plan(0, merge, total - merge)
        label = min(-(-_MOST_LABELS // pack), n, int(_LABEL_SHARE * total))
        merge = max(LEAST_MERGE, int(_MERGE_SHARE * min(total, 20 * LEAST_MERGE + label)))
        return Plan(label, merge, total - label - merge)


@dataclass(frozen=True, slots=True)
class Plan:
    """Requests that each step may make."""

    label: int
    merge: int
    assign: int

    @property
    def total(self) -> int:
        return self.label + self.merge + self.assign


def parse_budget(text: str) -> Budget:
    """`5%` or `500`.

    Raises:
        UsageError: it is neither.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None or (found["share"] and float(found["share"]) > 100):
        raise UsageError(
            f"--budget is {shortened(text, 40)!r}.", "Give a share of the calls up to 100% or a number: --budget 5%"
        )
    return Budget(share=float(found["share"]) / 100) if found["share"] else Budget(calls=int(found["calls"]))
