"""How something is trained, beyond what."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from ictc.errors import UsageError

SCHEDULES = ("constant", "cosine")
PRECISIONS = ("auto", "no", "fp16", "bf16")


@dataclass(frozen=True)
class Recipe:
    """`batch_size`: examples a step on each device. `lr`: the learning rate; with the schedule `cosine` it rises over
    the first `warmup` (a share of all steps) and then falls to 0 (Loshchilov and Hutter, ICLR 2017). `seed` decides
    order, augmentation, dropout and the weights that start at random."""

    epochs: int
    batch_size: int
    lr: float
    weight_decay: float = 0.0
    schedule: str = "constant"
    warmup: float = 0.0
    seed: int = 782

    def check(self) -> None:
        """Raises UsageError: a number that cannot be."""
        wrong = next(
            (
                (name, value, wanted)
                for name, value, ok, wanted in (
                    ("--epochs", self.epochs, self.epochs >= 1, "1 or more"),
                    ("--batch-size", self.batch_size, self.batch_size >= 1, "1 or more"),
                    ("--lr", self.lr, 0 < self.lr <= 1, "above 0 and up to 1, such as 0.001"),
                    ("--weight-decay", self.weight_decay, 0 <= self.weight_decay <= 1, "from 0 to 1, such as 0.01"),
                    ("--seed", self.seed, 0 <= self.seed < 2**32, "from 0 to 4294967295"),
                )
                if not ok
            ),
            None,
        )
        if wrong:
            raise UsageError(f"{wrong[0]} is {wrong[1]}.", f"Give a number {wrong[2]}.")
        if self.schedule not in SCHEDULES:
            raise UsageError(f"--schedule {self.schedule}: there is none.", f"Choose one of: {', '.join(SCHEDULES)}")

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of the step `step` of `steps`."""
        if self.schedule == "constant":
            return self.lr
        rising = self.warmup * steps
        if step < rising:
            return self.lr * (step + 1) / rising
        return self.lr * 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1.0, steps - rising)))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
