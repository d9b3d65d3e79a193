"""Descriptions without words: points on a sphere in k kinds, some between two of them, and who knows the truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ictc.allowance import Allowance
from ictc.reasoners.assign import Places
from ictc.reasoners.cascade.asking import Asking
from ictc.reasoners.spherical import Index, k_means, unit
from ictc.reasoners.spreading import neighbours
from ictc.types import Assignment, Failure, Reply, Request
from tests.talking import Talking

K = 4
NAMES = [f"kind {i}" for i in range(K)]


def scattered(n: int, seed: int, spread: float = 0.25) -> tuple[Places, Index]:
    """(Places of n rows, their true kinds): every tenth row lies amid two kinds, and is of one of them by chance."""
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, K, n)
    middles = np.eye(12)[:K]
    rows = middles[truth].astype(np.float64)
    between = draw.random(n) < 0.1
    other = (truth + draw.integers(1, K, n)) % K
    rows[between] = (middles[truth] + middles[other])[between] / 2
    rows = unit(rows + draw.normal(0, spread, rows.shape)).astype(np.float32)
    groups, centres = k_means(rows, middles, 30)
    return Places(n, rows, groups, centres, np.arange(n), neighbours(rows, K)), truth


class Oracle:
    """Knows each row's kind, puts one request per row through an allowance, and remembers what it was asked."""

    def __init__(self, truth: Index, left: int, rule: Callable[[int, int], str | Failure] | None = None) -> None:
        self.rounds: list[list[int]] = []
        self._truth = truth
        self._rule = rule or (lambda row, kind: NAMES[kind])
        self.allowance = Allowance(Talking(lambda r: "yes"))
        self.allowance.left = left

    @property
    def asked(self) -> list[int]:
        return [row for rows in self.rounds for row in rows]

    def __call__(self, rows: Sequence[int]) -> list[Assignment | Failure]:
        self.rounds.append(list(rows))
        replies = dict(self.allowance.generate(Request("assign", str(row)) for row in rows))
        return [self._answer(row, replies[i]) for i, row in enumerate(rows)]

    def _answer(self, row: int, reply: Reply | Failure) -> Assignment | Failure:
        said = reply if isinstance(reply, Failure) else self._rule(row, int(self._truth[row]))
        if isinstance(said, Failure):
            return said
        return Assignment(str(row), said or None, by="model", evidence="" if said else "something else")


def asking(places: Places, oracle: Oracle, texts: Sequence[str] = (), hints: dict[int, int] | None = None) -> Asking:
    texts = texts or [f"text {i}" for i in range(places.n)]
    return Asking(oracle, oracle.allowance, texts, NAMES, places, hints or {})
