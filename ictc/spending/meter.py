"""What was asked and what it cost, while it runs; and where `--max-calls` and `--max-cost` stop it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from ictc.asking import text_fingerprint
from ictc.errors import BudgetSpent, UsageError
from ictc.interfaces import Model
from ictc.models.usage import Accounted, Allow, Usage, guessed
from ictc.spending.pictures import most_tokens
from ictc.spending.prices import CURRENCY, LOCAL, Price
from ictc.spending.tokens import request_tokens, text_tokens
from ictc.types import Failure, Reply, Request, Stage


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
    pictured: bool = False


@dataclass(slots=True)
class Meter:
    """Totals of one invocation, shared by all models of a run; safe to use from several threads.

    A request counts when its answer is there, with the tokens of all its tries where the model says what they were
    (`ictc.models.usage`), also of those that failed. Where a server does not say how many tokens an answer took, they
    are estimated from the characters. Failures count as failed alone where nothing was sent: with a code in `GONE`, for
    an image that cannot be read, or where the model says so.
    """

    max_calls: int | None = None
    max_cost: float | None = None
    _accounts: dict[tuple[Stage, Price], _Account] = field(default_factory=dict)
    _reserved: Counter[_Reserved] = field(default_factory=Counter)
    _counted: dict[tuple[Price, bool], tuple[int, int]] = field(default_factory=dict)  # with a picture, and without
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if self.max_calls is not None and self.max_calls < 0:
            raise UsageError(f"--max-calls is {self.max_calls}.", "Give a number from 0.")
        if self.max_cost is not None and not self.max_cost >= 0:
            raise UsageError(f"--max-cost is {self.max_cost}.", "Give dollars from 0, for example --max-cost 2.50")

    def reserve(self, request: Request, price: Price, picture_tokens: int, room: int = 0) -> _Reserved | None:
        """Room for one more request, or None where the budget has none while the others are under way.

        `room`: tokens that the model adds to the request's `max_tokens`.
        """
        with self._lock:
            tokens = request_tokens(request) + picture_tokens
            pictured = request.image is not None
            cost = price.cost(self._likely(price, tokens, pictured), request.max_tokens + room) or 0.0
            wanted = _Reserved(request.stage, price, tokens, cost, pictured)
            done = sum(a.requests for a in self._accounts.values())
            if self.max_calls is not None and done + self._reserved.total() >= self.max_calls:
                return None
            if not self._fits(wanted.cost):
                return None
            self._reserved[wanted] += 1
            return wanted

    def extend(self, reserved: _Reserved, so_far: Usage, output_tokens: int) -> _Reserved | None:
        """Room for one more try of a request under way, of so many tokens at most, after what its tries took so far:
        what is now reserved, or None, and nothing changed, where the budget has none."""
        with self._lock:
            likely = so_far.input_tokens + self._likely(reserved.price, reserved.input_tokens, reserved.pictured)
            cost = reserved.price.cost(likely, so_far.output_tokens + output_tokens) or 0.0
            if cost <= reserved.cost:
                return reserved
            if not self._fits(cost - reserved.cost):
                return None
            more = replace(reserved, cost=cost)
            self._release(reserved)
            self._reserved[more] += 1
            return more

    def settle(self, reserved: _Reserved, answer: Reply | Failure | None, usage: Usage | None = None) -> None:
        """The answer to a request that had room; None where nobody waits for it any more. `usage` None: the model does
        not say."""
        with self._lock:
            self._release(reserved)
            if answer is None:
                return
            kind = reserved.price, reserved.pictured
            said, taken = self._counted.setdefault(kind, (0, 0))
            account = self._accounts.setdefault((reserved.stage, reserved.price), _Account())
            used = usage or guessed(answer)
            account.requests += used.sent
            account.input_tokens += used.input_tokens
            account.output_tokens += used.output_tokens
            if isinstance(answer, Failure):
                account.failed += not used.starved
                return
            if not used.sent:  # it has another's answer
                return
            if not answer.input_tokens:
                account.input_tokens += reserved.input_tokens
            if not answer.output_tokens:
                account.output_tokens += text_tokens(answer.text)
            if answer.input_tokens:
                self._counted[kind] = said + answer.input_tokens, taken + reserved.input_tokens

    def is_guess(self, request: Request, price: Price) -> bool:
        """Whether a cost is to be kept, but how the provider counts pictures is known neither by rule nor from it."""
        blind = request.image is not None and not price.pictures.known and self.max_cost is not None
        with self._lock:
            return blind and (price, True) not in self._counted

    def _likely(self, price: Price, tokens: int, pictured: bool) -> float:
        """Input tokens as this model counts them, from ours."""
        said, taken = self._counted.get((price, pictured), (0, 0))
        return tokens * max(1.0, said / taken) if taken else tokens

    def _fits(self, cost: float) -> bool:
        if self.max_cost is None:
            return True
        under_way = sum(r.cost * n for r, n in self._reserved.items())
        return (_cost(self._accounts) or 0.0) + under_way + cost <= self.max_cost

    def _release(self, reserved: _Reserved) -> None:
        self._reserved[reserved] -= 1
        if not self._reserved[reserved]:
            del self._reserved[reserved]

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
        self._side = side

    @property
    def fingerprint(self) -> str:
        return self._model.fingerprint

    @property
    def text_fingerprint(self) -> str:
        return text_fingerprint(self._model)

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply | Failure]]:
        waiting = enumerate(requests)
        held: list[tuple[int, Request]] = []  # for which there was no room, to be tried again when others are done
        under_way: dict[int, _Admitted] = {}  # by the numbers of the present call to the model
        begun = 0

        def admitted() -> Iterator[Request]:
            nonlocal begun
            while drawn := held.pop() if held else next(waiting, None):
                number, request = drawn
                if under_way and self._meter.is_guess(request, self._price):  # one alone tells
                    held.append(drawn)
                    return
                picture = most_tokens(request.image, self._price.pictures, self._side) if request.image else 0
                reserved = self._meter.reserve(request, self._price, picture, self._room())
                if reserved is None:
                    held.append(drawn)
                    return
                under_way[begun] = _Admitted(number, request, reserved)
                begun += 1
                yield request

        def allow(inner: int, so_far: Usage, room: int) -> bool:
            asked = under_way[inner]
            more = self._meter.extend(asked.reserved, so_far, asked.request.max_tokens + room)
            asked.reserved = more or asked.reserved
            return more is not None

        try:
            while True:
                begun = 0
                with closing(self._asked(admitted(), allow)) as answers:
                    for inner, answer, usage in answers:
                        one = under_way.pop(inner)
                        self._meter.settle(one.reserved, answer, usage)
                        if usage is not None and usage.starved:
                            held.append((one.number, one.request))
                        else:
                            yield one.number, answer
                if not held:
                    return
                if not begun:
                    raise self._meter.spent()
        finally:
            for left in under_way.values():
                self._meter.settle(left.reserved, None)

    def _room(self) -> int:
        return self._model.room if isinstance(self._model, Accounted) else 0

    def _asked(
        self, requests: Iterable[Request], allow: Allow
    ) -> Generator[tuple[int, Reply | Failure, Usage | None], None, None]:
        if isinstance(self._model, Accounted):
            yield from self._model.accounted(requests, allow)
        else:
            yield from ((number, answer, None) for number, answer in self._model.generate(requests))


@dataclass(slots=True)
class _Admitted:
    """A request that the model works on: its number as the caller counts, and what is reserved for it."""

    number: int
    request: Request
    reserved: _Reserved


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
