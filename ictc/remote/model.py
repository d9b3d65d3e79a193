"""A model that workers ask, with the promises of `Model`: requests drawn only as they can be sent, each answered once.

The budget is kept by who gives the requests: drawing one is reserving what it may cost. A worker that dies takes down
what it was asked; that is asked again, of another and alone, three times in all.
"""

from __future__ import annotations

import os
import pickle
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from ictc.asking import text_fingerprint
from ictc.engine import LOST, OUT_OF_MEMORY
from ictc.errors import StepError
from ictc.interfaces import Model
from ictc.modeloptions import ModelOptions
from ictc.models.usage import Accounted, Allow, Usage, Used, freely
from ictc.place import Place
from ictc.remote.answering import Answering
from ictc.remote.connecting import workers_of
from ictc.remote.dataset import failed
from ictc.remote.worker import Trouble
from ictc.stopping import GRACE, stoppable
from ictc.types import GONE, Failure, Reply, Request

_TOGETHER = 32  # requests that a worker with a model of its own is given at once; two such lots are with it
_TRIES = 3
_START = 300.0  # seconds within which one worker has to be there (weights are loaded later)
_ENVIRONMENT = ("OPENAI_API_KEY", "OPENAI_BASE_URL")
"""What models read that no spec says. It goes to the workers directly, not through Ray's settings, which Ray shows."""

_Numbered = tuple[int, Request]


@dataclass(slots=True, eq=False)
class _Worker:
    actor: Any
    opening: Any
    """The reference to what `opened` says, until it was read."""
    lots: int = 0
    alone: bool = False
    """Whether it is asked something that a worker died of before."""


@dataclass(slots=True)
class _Lot:
    worker: _Worker
    requests: list[_Numbered]
    tries: int = 0


@dataclass(slots=True)
class _State:
    under_way: dict[Any, _Lot] = field(default_factory=dict)
    again: deque[tuple[_Numbered, int]] = field(default_factory=deque)
    """With the number of workers that died of it."""
    until: float | None = None

    @property
    def requests(self) -> int:
        return sum(len(lot.requests) for lot in self.under_way.values())


class RayModel:
    """Implements `Model` and `Accounted`. `bare`: the model as it is here, which is asked nothing."""

    def __init__(
        self,
        bare: Model,
        make: Callable[[ModelOptions], Model],
        options: ModelOptions,
        place: Place,
        connect: Callable[[], Any],
        make_room: Callable[[], None],
    ) -> None:
        self._bare, self._make, self._options = bare, make, options
        self._served = isinstance(bare, Accounted)
        self._place = replace(place, ray_gpus=0.0) if self._served else place
        self._connect, self._make_room = connect, make_room
        self._workers: list[_Worker] = []
        self._lots = 2  # that a worker has at once
        self._gone: Failure | None = None
        self._busy = 0
        self.room = 0

    @property
    def gone(self) -> bool:
        """Whether it answers nothing more."""
        return self._gone is not None

    @property
    def fingerprint(self) -> str:
        return self._bare.fingerprint

    @property
    def text_fingerprint(self) -> str:
        return text_fingerprint(self._bare)

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply | Failure]]:
        with closing(self.accounted(requests)) as answers:
            for number, answer, _ in answers:
                yield number, answer

    def accounted(self, requests: Iterable[Request], allow: Allow = freely) -> Generator[Used, None, None]:
        """See `ictc.models.usage`. `allow` is not asked: a worker never takes more than was drawn for a request.

        Raises:
            StepError: no worker can ask the model.
        """
        numbered, state = enumerate(requests), _State()
        self._busy += 1

        def stop() -> int:
            state.until = time.monotonic() + GRACE
            return state.requests

        try:
            with stoppable(stop):
                while state.until is None or (state.under_way and time.monotonic() < state.until):
                    if state.until is None:
                        self._send(numbered, state)
                    if self._gone:
                        yield from ((n, replace(self._gone, stage=r.stage), Usage()) for (n, r), _ in state.again)
                        state.again.clear()
                    if not (state.under_way or state.again):
                        break
                    yield from self._taken(state)
                if state.until is not None:
                    raise KeyboardInterrupt
                if self._gone:
                    for number, request in numbered:
                        yield number, replace(self._gone, stage=request.stage), Usage()
        finally:
            self._busy -= 1
            if state.under_way or (self._gone and not self._busy):  # a worker's model is gone for good
                self._let_go()

    def rest(self) -> None:
        """Give the workers back, where nobody waits for them; the next request starts new ones."""
        if not self._busy:
            self._let_go()

    def _send(self, numbered: Iterator[_Numbered], state: _State) -> None:
        """As much as the workers that are there take."""
        while not self._gone:
            if not self._workers:  # nothing is started before there is something to ask
                if not state.again:
                    state.again.extend((one, 0) for one in islice(numbered, 1))
                if not state.again:
                    return
                self._start()
            ready = [w for w in self._workers if w.opening is None and not w.alone]
            if state.again:
                if (idle := next((w for w in ready if not w.lots), None)) is None:
                    return
                asked, tries = state.again.popleft()
                idle.alone = True
                self._give(idle, [asked], tries, state)
                continue
            free = min((w for w in ready if w.lots < self._lots), key=lambda w: w.lots, default=None)
            if free is None or not (lot := list(islice(numbered, 1 if self._served else _TOGETHER))):
                return
            self._give(free, lot, 0, state)

    def _give(self, worker: _Worker, lot: list[_Numbered], tries: int, state: _State) -> None:
        worker.lots += 1
        asked = worker.actor.ask.remote([request for _, request in lot], self.room)
        state.under_way[asked] = _Lot(worker, lot, tries)

    def _taken(self, state: _State) -> Iterator[Used]:
        """What comes next: answers, a worker that is there, or the end of one."""
        ray = self._connect()
        opening = {w.opening: w for w in self._workers if w.opening is not None}
        waited = [*state.under_way, *opening]
        come, _ = ray.wait(waited, num_returns=1, timeout=GRACE / 10 if state.under_way else _START)
        if not come and not state.under_way and state.until is None:
            raise StepError(
                f"No worker was there within {_START:.0f} seconds: the cluster has no room for one that takes "
                f"{self._place.ray_cpus:g} CPUs and {self._place.ray_gpus:g} GPUs.",
                "See: ray status. Ask for less with --ray-cpus, --ray-gpus and --ray-workers.",
            )
        for ref in come:
            if ref in opening:
                self._met(ray, opening[ref], ref)
            else:
                yield from self._answers(ray, state, ref)

    def _met(self, ray: Any, worker: _Worker, ref: Any) -> None:
        try:
            found = ray.get(ref)
        except ray.exceptions.RayError as error:
            raise failed(error) from error
        if isinstance(found, Trouble):
            raise _unable(found)
        worker.opening = None

    def _answers(self, ray: Any, state: _State, ref: Any) -> Iterator[Used]:
        lot = state.under_way.pop(ref)
        lot.worker.lots -= 1
        lot.worker.alone = False
        try:
            found = ray.get(ref)
        except (ray.exceptions.RayActorError, ray.exceptions.OutOfMemoryError) as error:
            yield from self._died(ray, lot, error, state)
            return
        except ray.exceptions.RayError as error:
            raise failed(error) from error
        if isinstance(found, Trouble):
            raise _unable(found)
        rows, room = found
        self.room = max(self.room, room)
        for place, answer, usage in rows:
            if isinstance(answer, Failure) and answer.code in GONE and self._gone is None:
                self._gone = answer
            yield lot.requests[place][0], answer, usage

    def _died(self, ray: Any, lot: _Lot, error: Exception, state: _State) -> Iterator[Used]:
        if lot.worker in self._workers:
            self._workers.remove(lot.worker)
            self._workers.append(self._worker(ray, len(self._workers) + 1))
        code = OUT_OF_MEMORY if isinstance(error, ray.exceptions.OutOfMemoryError) else LOST
        for one in lot.requests:
            if lot.tries + 1 < _TRIES and not self._gone:
                state.again.append((one, lot.tries + 1))
            else:
                message = f"{_TRIES} workers died while the model was asked this ({type(error).__name__})."
                # what it took is not known; it may have been sent
                yield one[0], Failure("", one[1].stage, code, message, retryable=True), Usage(sent=True)

    def _start(self) -> None:
        ray = self._connect()
        self._make_room()
        size = workers_of(ray, self._place, self._served)
        if self._served:
            self._lots = max(1, -(-self._options.concurrency // size))
        self._workers = [self._worker(ray, size) for _ in range(size)]

    def _worker(self, ray: Any, size: int) -> _Worker:
        made = pickle.dumps((self._make, shared(self._options, size)))
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        kind = ray.remote(Answering).options(
            num_cpus=self._place.ray_cpus,
            num_gpus=self._place.ray_gpus,
            max_concurrency=self._lots if self._served else 1,
            max_restarts=0,
            max_task_retries=0,
            scheduling_strategy="SPREAD",
        )
        actor = kind.remote(made, self._bare.fingerprint, environment)
        return _Worker(actor, actor.opened.remote())

    def _let_go(self) -> None:
        """Ends the workers, and with them whatever is under way."""
        workers, self._workers = self._workers, []
        if workers:
            ray = self._connect()
            for worker in workers:
                ray.kill(worker.actor)


def shared(options: ModelOptions, workers: int) -> ModelOptions:
    """What one of so many workers may do, so that all of them together keep to what a person allowed."""
    return replace(
        options,
        concurrency=max(1, -(-options.concurrency // workers)),
        rpm=options.rpm and max(1, options.rpm // workers),
        tpm=options.tpm and max(1, options.tpm // workers),
    )


def _unable(found: Trouble) -> StepError:
    hint = f"{found.hint} (On every machine of the cluster.)" if found.hint else ""
    return StepError(f"A worker cannot ask the model: {found.message}", hint)
