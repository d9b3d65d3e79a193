"""What was asked and what it cost, while it runs; and where `--max-calls` and `--max-cost` stop it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ictc.errors import BudgetSpent, UsageError
from ictc.interfaces import Model
from ictc.spending.prices import CURRENCY, LOCAL, Price
from ictc.spending.tokens import request_tokens, text_tokens
from ictc.types import GONE, Failure, Reply, Request, Stage


@dataclass(slots=True)
class _Account:
    """One stage at one price. Whole tokens, so that sums do not depend on the order in which answers came."""

    requests: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class _Reserved:
    """What a request under way may cost at most: every answer as long as it is allowed to be."""

    stage: Stage
    price: Price
    input_tokens: int
    cost: float


@dataclass(slots=True)
class Meter:
    """Totals of one invocation, shared by all models of a run; safe to use from several threads.

    A request counts when its answer is there. Failures count as requests without tokens, since no server says what they
    cost; those with a code in `GONE` were never answered by anyone and count as failed alone. Where a server does not
    say how many tokens it took, they are estimated from the characters.
    """

    max_calls: int | None = None
    max_cost: float | None = None
    _accounts: dict[tuple[Stage, Price], _Account] = field(default_factory=dict)
    _reserved: Counter[_Reserved] = field(default_factory=Counter)
    _counted: dict[Price, tuple[int, int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if self.max_calls is not None and self.max_calls < 0:
            raise UsageError(f"--max-calls is {self.max_calls}.", "Give a number from 0.")
        if self.max_cost is not None and not self.max_cost >= 0:
            raise UsageError(f"--max-cost is {self.max_cost}.", "Give dollars from 0, for example --max-cost 2.50")

    def reserve(self, request: Request, price: Price, picture_tokens: int) -> _Reserved | None:
        """Room for one more request, or None where the budget has none while the others are under way."""
        with self._lock:
            tokens = request_tokens(request) + (picture_tokens if request.image else 0)
            said, taken = self._counted.get(price, (0, 0))  # this model's tokens, as counted by it and by us
            likely = tokens * max(1.0, said / taken) if taken else tokens
            wanted = _Reserved(request.stage, price, tokens, price.cost(likely, request.max_tokens) or 0.0)
            done = sum(a.requests for a in self._accounts.values())
            if self.max_calls is not None and done + self._reserved.total() >= self.max_calls:
                return None
            if self.max_cost is not None:
                under_way = sum(r.cost * n for r, n in self._reserved.items())
                if (_cost(self._accounts) or 0.0) + under_way + wanted.cost > self.max_cost:
                    return None
            self._reserved[wanted] += 1
            return wanted

    def settle(self, reserved: _Reserved, answer: Reply | Failure | None) -> None:
        """The answer to a request that had room; None where nobody waits for it any more."""
        with self._lock:
            self._reserved[reserved] -= 1
            if not self._reserved[reserved]:
                del self._reserved[reserved]
            if answer is None:
                return
            account = self._accounts.setdefault((reserved.stage, reserved.price), _Account())
            if isinstance(answer, Failure):
                account.failed += 1
                account.requests += answer.code not in GONE
                return
            account.requests += 1
            account.input_tokens += answer.input_tokens or reserved.input_tokens
            account.output_tokens += answer.output_tokens or text_tokens(answer.text)
            if answer.input_tokens:
                said, taken = self._counted.get(reserved.price, (0, 0))
                self._counted[reserved.price] = said + answer.input_tokens, taken + reserved.input_tokens

    def spent(self) -> BudgetSpent:
        """The error that says so."""
        option = "--max-calls" if self.max_calls is not None else "--max-cost"
        limits = [f"--max-calls {self.max_calls}"] if self.max_calls is not None else []
        limits += [f"--max-cost {self.max_cost:g}"] if self.max_cost is not None else []
        if len(limits) == 2:
            option = "--max-calls or --max-cost"
        return BudgetSpent(
            f"The budget ({', '.join(limits)}) leaves no room for another request: {self.line()}.",
            f"All answers are kept. The same command with a larger {option} goes on from there.",
        )

    def line(self) -> str:
        """The running total, for a progress display: `1,204 requests, 310k tokens, $0.42`."""
        total = self.to_json()
        tokens = total["input_tokens"] + total["output_tokens"]
        return f"{total['requests']:,} requests, {_short(tokens)} tokens, {self._money(total['cost'])}"

    def to_json(self) -> dict[str, Any]:
        """What run.json keeps. `cost` is null where the price of any request is unknown."""
        with self._lock:
            stages: dict[Stage, dict[tuple[Stage, Price], _Account]] = {}
            for key, account in self._accounts.items():
                stages.setdefault(key[0], {})[key] = account
            by_stage = {stage: _totals(accounts) for stage, accounts in sorted(stages.items())}
            return {**_totals(self._accounts), "currency": CURRENCY, "by_stage": by_stage}

    def _money(self, cost: float | None) -> str:
        with self._lock:
            asked = {price for (_, price), account in self._accounts.items() if account.requests}
        if cost is None:
            return "cost unknown"
        return LOCAL.note if asked == {LOCAL} else dollars(cost)


class Metered:
    """A model around a model, inside `StoredModel`, so that only what is really asked counts.

    Takes no request for which the budget has no room; those under way are finished and passed on (and so stored), and
    then `BudgetSpent` is raised. `--max-cost` keeps room for the longest answers allowed; where real ones turn out
    shorter, asking goes on with what they left.

    Raises:
        UsageError: at once, where a cost is to be kept and the model's price is unknown.
    """

    def __init__(self, model: Model, meter: Meter, price: Price, spec: str = "the model", side: int = 1024) -> None:
        """`side`: pixels of a picture's longer side as it is sent (`ModelOptions.image_side`)."""
        if meter.max_cost is not None and not price.known:
            raise UsageError(
                f"--max-cost cannot be kept: the price of {spec} is not known.",
                "Say what it costs with --price IN,OUT (dollars for a million tokens), or limit --max-calls instead.",
            )
        self._model = model
        self._meter = meter
        self._price = price
        self._picture_tokens = price.pictures.tokens(side, side)

    @property
    def fingerprint(self) -> str:
        return self._model.fingerprint

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply | Failure]]:
        waiting = iter(requests)
        held: list[Request] = []  # the one for which there was no room, to be tried again when others are done
        under_way: dict[int, _Reserved] = {}
        taken = 0

        def admitted() -> Iterator[Request]:
            nonlocal taken
            while True:
                request = held.pop() if held else next(waiting, None)
                if request is None:
                    return
                reserved = self._meter.reserve(request, self._price, self._picture_tokens)
                if reserved is None:
                    held.append(request)
                    return
                under_way[taken] = reserved
                taken += 1
                yield request

        try:
            while True:
                start = taken
                for number, answer in self._model.generate(admitted()):
                    self._meter.settle(under_way.pop(start + number), answer)
                    yield start + number, answer
                if not held:
                    return
                if taken == start:
                    raise self._meter.spent()
        finally:
            for reserved in under_way.values():
                self._meter.settle(reserved, None)


def added(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> dict[str, Any]:
    """The totals of two invocations together, as run.json keeps them; an unknown cost makes the sum unknown."""
    if not before:
        return dict(now)
    stages = sorted({*before["by_stage"], *now["by_stage"]})
    by_stage = {s: _sum(before["by_stage"].get(s, _NOTHING), now["by_stage"].get(s, _NOTHING)) for s in stages}
    return {**_sum(before, now), "currency": now["currency"], "by_stage": by_stage}


def dollars(cost: float | None) -> str:
    """`$0.42`; small amounts with two figures that say something, an unknown one as such."""
    if cost is None:
        return "unknown"
    return f"${cost:,.2f}" if cost >= 0.1 or not cost else f"${cost:.2g}" if cost >= 0.0001 else "under $0.0001"


_NOTHING = {"requests": 0, "failed": 0, "input_tokens": 0, "output_tokens": 0, "cost": 0.0}


def _sum(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    total: dict[str, Any] = {name: a[name] + b[name] for name in _NOTHING if name != "cost"}
    unknown = a["cost"] is None or b["cost"] is None
    return {**total, "cost": None if unknown else round(a["cost"] + b["cost"], 6)}


def _totals(accounts: Mapping[tuple[Stage, Price], _Account]) -> dict[str, Any]:
    cost = _cost(accounts)
    return {
        "requests": sum(a.requests for a in accounts.values()),
        "failed": sum(a.failed for a in accounts.values()),
        "input_tokens": sum(a.input_tokens for a in accounts.values()),
        "output_tokens": sum(a.output_tokens for a in accounts.values()),
        "cost": None if cost is None else round(cost, 6),
    }


def _cost(accounts: Mapping[tuple[Stage, Price], _Account]) -> float | None:
    total = 0.0
    for (_, price), account in sorted(accounts.items(), key=lambda x: (x[0][0], x[0][1].note)):
        cost = price.cost(account.input_tokens, account.output_tokens)
        if cost is None and account.requests:
            return None
        total += cost or 0.0
    return total


def _short(number: int) -> str:
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}" if number < 100 * size else f"{number / size:.0f}{letter}"
    return str(number)
