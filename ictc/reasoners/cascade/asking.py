"""Step 3 of a cascade: about whom the model is asked, in which order, and until when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ictc.allowance import SPENT, Allowance
from ictc.reasoners.assign import Places
from ictc.reasoners.cascade.bargain import Bargain
from ictc.reasoners.cascade.calibration import interval
from ictc.reasoners.spherical import Array, Index
from ictc.types import GONE, Assignment, Failure

AUDIT = 0.2  # of step 3's requests
_ROUNDS = 6  # of asking about the uncertain, each with what the one before taught
_LEAST = 8  # questions in a round
_STILL = 0.02  # of a round's answers are other than expected, at most,
_STILL_ROUNDS = 2  # so many times,
_STILL_CHANGED = 0.05  # and of all in these rounds surely (95 %) no more: asking on would change hardly anything

Ask = Callable[[Sequence[int]], Sequence[Assignment | Failure]]
"""The strong reasoner's answers about rows."""


class Asking:
    """Asks about one row of each distinct text. `hints`: clusters of some rows that are known beforehand. `pack`: texts
    that a request holds.

    `trusted` and `agreed`: the share of the first choice of every row asked about, and whether the answer was the same.
    """

    def __init__(
        self,
        ask: Ask,
        allowance: Allowance,
        texts: Sequence[str],
        names: Sequence[str],
        places: Places,
        hints: Mapping[int, int],
        pack: int = 1,
    ) -> None:
        self._ask = ask
        self._pack = pack
        self._allowance = allowance
        self._names = {name: i for i, name in enumerate(names)}
        self._places = places
        self._hints = dict(hints)
        number: dict[str, int] = {}
        self._text = np.asarray([number.setdefault(text, len(number)) for text in texts], dtype=np.intp)
        self._rows: list[Index] = np.split(
            np.argsort(self._text, kind="stable"), np.cumsum(np.bincount(self._text))[:-1]
        )
        self._tried: set[int] = set()  # texts; whoever got no usable answer is not asked about again
        self._answers: dict[int, Assignment] = {}  # by text
        self._unanswered: dict[int, Failure] = {}  # by text
        self._uncertain: set[int] = set()  # texts
        self._audited: list[int] = []  # rows
        self._disagreed = 0
        self._before: dict[int, int] = {}  # the first choice before the answer, by text
        self._settled = False
        self.trusted: list[float] = []
        self.agreed: list[bool] = []

    def answer(self, row: int) -> Assignment | None:
        return self._answers.get(int(self._text[row]))

    def unanswered(self, row: int) -> Failure | None:
        return self._unanswered.get(int(self._text[row]))

    @property
    def unheard(self) -> Failure | None:
        """The failure, where questions were put and none of them was answered, which may pass."""
        return None if self._answers else next((f for f in self._unanswered.values() if f.retryable), None)

    def shares(self) -> Array:
        """[n, k] with all that is known by now."""
        known = dict(self._hints)
        for text, answer in self._answers.items():
            if (group := self._group(answer)) is not None:
                known.update(dict.fromkeys(self._rows[text].tolist(), group))
        return self._places.shares(known)

    def uncertain(self, calls: int) -> Failure | None:
        """Asks about texts whose two best clusters are near each other, those of many images first, until the budget
        less the audit's part is spent, or answers are what was expected. The failure if the model is gone."""
        kept = round(AUDIT * calls)
        size = max(_LEAST, self._pack * -(-(calls - kept) // _ROUNDS))
        self._allowance.left -= kept  # so that nothing that is asked again eats the audit
        try:
            return self._in_rounds(size)
        finally:
            self._allowance.left += kept
            self._uncertain = set(self._tried)

    def _in_rounds(self, size: int) -> Failure | None:
        still = answers = surprises = 0
        while (room := self._pack * self._allowance.left) > 0:
            shares = self.shares()
            best = np.sort(shares, 1)
            doubt = 1 - (best[:, -1] - best[:, -2])
            worth = np.bincount(self._text, doubt)
            worth[list(self._tried)] = -1
            texts = [int(t) for t in np.argsort(-worth, kind="stable")[: min(size, room)] if worth[t] > 0]
            if not texts:
                break
            expected, lost = self._put(texts, shares)
            if lost:
                return lost
            calm = expected >= (1 - _STILL) * len(texts)
            still = still + 1 if calm else 0
            answers, surprises = (answers + len(texts), surprises + len(texts) - expected) if calm else (0, 0)
            if still >= _STILL_ROUNDS and interval(surprises, answers)[1] <= _STILL_CHANGED:
                self._settled = True
                break
        return None

    def audit(self, calls: int) -> Failure | None:
        """Asks about images drawn at random from those not asked about. The failure if the model is gone."""
        left = np.flatnonzero(~np.isin(self._text, list(self._tried)))
        drawn = np.random.default_rng(0).permutation(left)[
            : self._pack * min(round(AUDIT * calls), self._allowance.left)
        ]
        if not len(drawn):
            return None
        shares = self.shares()
        texts = list(dict.fromkeys(int(self._text[row]) for row in drawn))
        _, lost = self._put(texts, shares)
        for row in drawn.tolist():
            text = int(self._text[row])
            if (answer := self._answers.get(text)) is not None:
                self._audited.append(row)
                self._disagreed += self._group(answer) != self._before[text]
        return lost

    def bargain(self, budget: str, images: int) -> Bargain:
        """The account. What remains unasked is held to be like what was audited of it."""
        count = np.bincount(self._text)

        def held(texts: Iterable[int]) -> int:
            return int(sum(count[t] for t in texts))

        asked = self._answers
        none = held(t for t, a in asked.items() if a.cluster is None)
        audited = len(self._audited)
        found = Bargain(
            budget,
            images,
            asked=held(asked),
            uncertain=held(t for t in asked if t in self._uncertain),
            changed=held(t for t, a in asked.items() if self._group(a) not in (None, self._before[t])),
            none=none,
            unanswered=held(self._unanswered),
            passing=held(t for t, f in self._unanswered.items() if f.retryable),
            audited=audited,
            disagreed=self._disagreed,
            settled=self._settled,
        )
        rest = 1 - found.asked / len(self._text)
        if rest and not audited:
            return found
        sure = none / len(self._text)
        low, high = interval(self._disagreed, audited)
        rate = self._disagreed / max(audited, 1)
        return replace(
            found,
            disagreement=round(sure + rest * rate, 4),
            low=round(sure + rest * low, 4),
            high=round(sure + rest * high, 4),
        )

    def _put(self, texts: Sequence[int], shares: Array) -> tuple[int, Failure | None]:
        """Asks, and keeps what is answered: (how many answers were expected, the failure if the model is gone)."""
        expected, lost = 0, None
        self._tried.update(texts)
        for text, answer in zip(texts, self._ask([int(self._rows[t][0]) for t in texts]), strict=True):
            if isinstance(answer, Failure):
                lost = answer if answer.code in GONE else lost
                if answer.code != SPENT:  # of that, nothing was asked
                    self._unanswered[text] = answer
                continue
            row = self._rows[text][0]
            first = int(shares[row].argmax())
            self._answers[text] = answer
            self._before[text] = first
            same = self._group(answer) == first
            expected += same
            self.trusted.append(float(shares[row].max()))
            self.agreed.append(same)
        return expected, lost

    def _group(self, answer: Assignment) -> int | None:
        return None if answer.cluster is None else self._names[answer.cluster]
