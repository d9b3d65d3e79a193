"""What a run would take, as values, as JSON and as a table. `ictc.spending.dryrun` finds the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ictc.spending.counting import Counting
from ictc.spending.meter import dollars
from ictc.spending.prices import CURRENCY, LOCAL, Price
from ictc.types import Stage

LATENCY = (0.3, 0.6, 2.0)
PER_TOKEN = (0.010, 0.020, 0.050)
_IN_PROCESS = ("hf:", "vllm:")

Three = tuple[float, float, float]
"""Low, likely and high."""

NONE: Three = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Lane:
    """Who does a step: `counting` stands inside it in the place of its model; None where it asks no model."""

    counting: Counting | None = None
    price: Price = LOCAL
    spec: str = "offline"

    @property
    def in_process(self) -> bool:
        return self.spec.removeprefix("vlm:").startswith(_IN_PROCESS)


@dataclass(frozen=True, slots=True)
class StepEstimate:
    """One step. `exact` says that all of its requests could be rendered, with nothing invented."""

    stage: Stage
    lane: Lane
    requests: Three = NONE
    input_tokens: Three = NONE
    output_tokens: Three = NONE
    exact: bool = True

    @property
    def asks(self) -> bool:
        return self.requests[2] > 0

    @property
    def cost(self) -> Three | None:
        """Dollars; None where the price is unknown and something is asked."""
        if not self.asks:
            return NONE
        low, likely, high = map(self.lane.price.cost, self.input_tokens, self.output_tokens)
        return None if low is None or likely is None or high is None else (low, likely, high)

    def at_most(self, requests: int) -> StepEstimate:
        """The same with no more requests than so many, and as many tokens the fewer."""
        part = [min(1.0, requests / n) if n else 1.0 for n in self.requests]

        def cut(three: Three) -> Three:
            low, likely, high = (x * share for x, share in zip(three, part, strict=True))
            return low, likely, high

        low, likely, high = map(round, cut(self.requests))
        exact = self.exact and part == [1.0] * 3
        return replace(
            self,
            requests=(low, likely, high),
            input_tokens=cut(self.input_tokens),
            output_tokens=cut(self.output_tokens),
            exact=exact,
        )

    def seconds(self, concurrency: int, rpm: int | None) -> Three | None:
        """With so many requests at once, and so many a minute; None for a model in this process, which may be any."""
        if self.lane.in_process:
            return None
        low, likely, high = (
            max(n / max(1, min(concurrency, n)) * (wait + each * tokens / max(1, n)), n * 60 / rpm if rpm else 0)
            for n, tokens, wait, each in zip(self.requests, self.output_tokens, LATENCY, PER_TOKEN, strict=True)
        )
        return low, likely, high


@dataclass(frozen=True, slots=True)
class Embeds:
    """What the embedding lane would embed: of so many `images` (or descriptions) as many have a `stored` vector, and so
    many different ones are `missing`. `done`: the run has this very result already."""

    embedder: str
    images: int
    stored: int
    missing: int
    done: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "embedder": self.embedder,
            "images": self.images,
            "stored": self.stored,
            "to_embed": self.missing,
            "done": self.done,
        }

    def line(self) -> str:
        """For a person."""
        if self.done:
            return "Nothing would be computed: the run has this result."
        known = f"{self.stored:,} of {self.images:,} images have a vector of {self.embedder}"
        copies = " (copies once)" if self.stored + self.missing < self.images else ""
        return f"{known}; {self.missing:,} would be embedded{copies}."


@dataclass(frozen=True, slots=True)
class Estimate:
    """All four steps, with so many requests at once and, where there is a limit, so many a minute; and in the embedding
    lane what would be embedded. `remarks`: what a person should know of the result before."""

    HEADER: ClassVar = ("step", "model", "requests", "tokens in", "tokens out", "price: low / likely / high")

    steps: Sequence[StepEstimate]
    concurrency: int = 96
    rpm: int | None = None
    embeds: Embeds | None = None
    remarks: Sequence[str] = ()

    @property
    def requests(self) -> Three:
        return _sum([s.requests for s in self.steps]) or NONE

    @property
    def cost(self) -> Three | None:
        """Dollars; None where a price is unknown."""
        return _sum([s.cost for s in self.steps])

    @property
    def seconds(self) -> Three | None:
        """Of all requests to models; None where nobody can say. Steps that ask none are not in it."""
        return _sum([s.seconds(self.concurrency, self.rpm) for s in self.steps if s.asks])

    def to_json(self) -> dict[str, Any]:
        steps = [
            {
                "stage": s.stage,
                "model": s.lane.spec,
                "price": s.lane.price.note,
                "requests": _whole(s.requests),
                "input_tokens": _whole(s.input_tokens),
                "output_tokens": _whole(s.output_tokens),
                "cost": _named(s.cost),
                "exact": s.exact,
            }
            for s in self.steps
        ]
        total = {"requests": _whole(self.requests), "cost": _named(self.cost), "currency": CURRENCY}
        embeds = {"embedding": self.embeds.to_json()} if self.embeds else {}
        seconds = _whole(self.seconds) if self.seconds else None
        remarks = {"remarks": list(self.remarks)} if self.remarks else {}
        return {"steps": steps, **total, "seconds": seconds, **embeds, **remarks}

    def rows(self) -> list[tuple[str, ...]]:
        """A table under `HEADER`, with a row for all steps together at its end."""
        rows = [
            (s.stage, s.lane.spec, *map(_counted, (s.requests, s.input_tokens, s.output_tokens)), _money([s], s.cost))
            for s in self.steps
        ]
        return [*rows, ("all", "", _counted(self.requests), "", "", _money(self.steps, self.cost))]

    def time_line(self) -> str:
        """How long it would take, as a sentence."""
        if not any(s.asks for s in self.steps):
            return "No model would be asked."
        if self.seconds is None:
            return "How long a model in this process takes is not known."
        return f"Waiting for answers: {' / '.join(map(duration, self.seconds))} (low / likely / high)."


def duration(seconds: float) -> str:
    """`40 s`, `12 min`, `3.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:,.1f} h"


def _sum(all_: Sequence[Three | None]) -> Three | None:
    known = [three for three in all_ if three is not None]
    if len(known) < len(all_):
        return None
    low, likely, high = (sum(three[i] for three in known) for i in range(3))
    return low, likely, high


def _counted(three: Three) -> str:
    low, likely, high = (f"{v:,.0f}" for v in three)
    return likely if low == high else f"{likely} ({low} to {high})"


def _money(steps: Sequence[StepEstimate], cost: Three | None) -> str:
    asking = [s for s in steps if s.asks]
    if not asking:
        return "nothing to ask"
    if all(s.lane.price == LOCAL for s in asking):
        return LOCAL.note
    return "unknown price" if cost is None else " / ".join(map(dollars, cost))


def _named(three: Three | None) -> dict[str, float] | None:
    return None if three is None else {n: round(v, 6) for n, v in zip(("low", "likely", "high"), three, strict=True)}


def _whole(three: Three) -> dict[str, int]:
    return {n: round(v) for n, v in zip(("low", "likely", "high"), three, strict=True)}
