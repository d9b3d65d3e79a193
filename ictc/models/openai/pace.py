"""How many requests are under way at once, and how many may start a minute. All on one event loop, no locks."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

_FIRST = 16  # requests at once before anything is known of the server: a small one of one's own may take two
_CUT = 0.7  # of the limit remains after a crowd (between TCP's .5 and nothing; CUBIC's value, RFC 9438)


class Slots:
    """Adaptive concurrency: additive increase, multiplicative decrease, as in TCP (RFC 5681).

    While every slot is taken, each answer raises the limit: by one until the first crowd (slow start: a good server's
    limit doubles each round trip), after that by one in a round. A crowd, which is a rate limit or an answer that is
    late, cuts it once for all that were under way at that time. Never above `most`.
    """

    def __init__(self, most: int) -> None:
        self.most = max(1, most)
        self.limit = float(min(self.most, _FIRST))
        self.active = 0
        self._cuts = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> int:
        """Wait for a slot. The number given is to be handed to `crowded`."""
        if self.active < int(self.limit) and not self._waiting:
            self.active += 1
            return self._cuts
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.free()  # this turn was given, and is not used
            raise
        return self._cuts

    def free(self) -> None:
        self.active -= 1
        self._wake()

    def served(self) -> None:
        """An answer came, its slot still taken."""
        if self.limit < self.most and self.active >= int(self.limit):
            self.limit = min(float(self.most), self.limit + (1 / self.limit if self._cuts else 1))
            self._wake()

    def crowded(self, taken: int) -> None:
        """There were too many for a request that `take` gave the number `taken`."""
        if taken == self._cuts:
            self._cuts += 1
            self.limit = max(1.0, min(self.limit, self.active) * _CUT)

    def _wake(self) -> None:
        """A slot is taken when it is given, so that answers that come together each find all slots taken."""
        while self._waiting and self.active < int(self.limit):
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self.active += 1


class Rate:
    """So many units a minute, evenly, first come first served; at most one second's worth at once.

    Time is reserved: `reserve` says how many seconds to wait, and moves on the time at which the next may start.
    """

    def __init__(self, per_minute: int | None, clock: Callable[[], float]) -> None:
        self._second = per_minute / 60 if per_minute else 0.0
        self._clock = clock
        self._next = float("-inf")

    def reserve(self, units: float) -> float:
        if not self._second:
            return 0.0
        now = self._clock()
        start = max(self._next, now - 1)
        self._next = start + units / self._second
        return max(0.0, start - now)

    def correct(self, units: float) -> None:
        """So many units more (or, negative, less) were used than was reserved."""
        if self._second:
            self._next += units / self._second
